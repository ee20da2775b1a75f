// What shows the hints of Monaco's lists and buttons when the pointer rests on them.
import { setHoverDelegateFactory } from 'monaco-editor/base/browser/ui/hover/hoverDelegateFactory.js';
import { StandaloneServices } from 'monaco-editor/editor/standalone/browser/standaloneServices.js';
import { WorkbenchHoverDelegate } from 'monaco-editor/platform/hover/browser/hover.js';
import { IInstantiationService } from 'monaco-editor/platform/instantiation/common/instantiation.js';

/**
 * Lets what shows hints be made by the services of the whole page. The editor that Monaco made last decides for all of
 * them, and the two halves of a comparison name services of their own: these end with the comparison, and the list of
 * words and the find widget of every other editor, which need hints, could not be shown from then on.
 */
export function keepHints() {
  setHoverDelegateFactory((/** @type {'mouse' | 'element'} */ placement, /** @type {boolean} */ instantHover) =>
    StandaloneServices.get(IInstantiationService).createInstance(WorkbenchHoverDelegate, placement, { instantHover }, {}));
}
