// Editing and the ways to open, against a running server: `node e2e/editor/editor.mjs http://127.0.0.1:8787/`.
// The folder picker is played by the origin-private file system, whose handles are the same kind of object.

import { chromium } from 'playwright-core';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';
const base = process.argv[2] ?? 'http://127.0.0.1:8787/';
const artifacts = fileURLToPath(new URL('../artifacts/', import.meta.url));
await mkdir(artifacts, { recursive: true });
const tree = await mkdtemp(join(tmpdir(), 'alcove-tree-'));
const put = async (path, text) => {
  await mkdir(dirname(join(tree, path)), { recursive: true });
  await writeFile(join(tree, path), text);
};
await put('.gitignore', 'node_modules/\n/target\n*.log\n!keep.log\n');
for (const path of ['src/main.rs', 'node_modules/x/y/index.js', 'target/debug/bin', '.git/config', 'a.log', 'keep.log']) await put(path, `${path}\n`);
await put('empty.txt', '');
// More than one batch of a dropped folder's entries.
for (let i = 0; i < 230; i += 1) await put(`many/f${i}.txt`, `file ${i}\n`);

const b = await chromium.launch({executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',args:['--headless=new','--no-sandbox','--disable-quic']});
const ctx = await b.newContext({viewport:{width:1200,height:800}});
let failed=0; const check=(n,f)=>Promise.resolve().then(f).then(()=>console.log('ok  ',n),e=>{failed++;console.log('FAIL',n,String(e.message).slice(0,600));});
async function fresh(){ const page = await ctx.newPage();
 page.on('console',m=>{ if(m.type()==='error'||m.type()==='warning') console.log('  console:',m.text().slice(0,300))}); page.on('pageerror',e=>console.log('  pageerror',e.message.slice(0,300)));
 await page.addInitScript(()=>{window.viol=[];document.addEventListener('securitypolicyviolation',e=>viol.push(e.violatedDirective+' '+e.blockedURI))});
 await page.goto(base); await page.waitForFunction(()=>window.alcove); await page.waitForTimeout(500); return page; }
const page = await fresh();
await check('api open/files/read/write/errors', async()=>{
 const r = await page.evaluate(async()=>{
  const events=[]; const off=alcove.onEvent(e=>events.push(e.type));
  const enc=new TextEncoder();
  const crlf='\uFEFFone\r\ntwo\nthree\r\nfour\r\n';
  const imp=await alcove.open([{path:'src/mixed.txt',bytes:enc.encode(crlf)},{path:'src/win.rs',bytes:'fn main() {\r\n}\r\n'},{path:'bad.txt',bytes:new Uint8Array([0x61,0xff,0x0a])},{path:'.gitignore',bytes:'skip/\n'},{path:'skip/a.txt',bytes:'no'}],{name:'T'});
  const files=(await alcove.files()).map(f=>f.path);
  const bytes=[...await alcove.readBytes('src/mixed.txt')]; const want=[...enc.encode(crlf)];
  const w=await alcove.write('new.txt','héllo'); const text=await alcove.read('new.txt');
  const errs=[]; for (const f of [()=>alcove.open(5),()=>alcove.open([{path:'x'}]),()=>alcove.search(3),()=>alcove.search('a',{k:0}),()=>alcove.search('a',{nope:1}),()=>alcove.read('missing'),()=>alcove.openWorkspace(-1)]) { try{ await f(); errs.push('no error') }catch(e){ errs.push((e instanceof Error)+' '+e.name+' '+e.code+': '+e.message) } }
  const n=events.length; off(); await alcove.write('new.txt','x'); await new Promise(r=>setTimeout(r,300));
  return {imp,files,same:JSON.stringify(bytes)===JSON.stringify(want),w,text,errs,events:[...new Set(events)],after:events.length-n,status:await alcove.status()};
 });
 assert(r.same); assert.equal(r.text,'héllo'); assert(!r.files.includes('skip/a.txt')); assert(r.errs.every(e=>e.startsWith('true AlcoveError'))); assert.equal(r.after,0); assert(r.events.includes('files'));
});
await check('edit a mixed file in Monaco, save, bytes kept', async()=>{
 await page.evaluate(()=>alcove.show('src/mixed.txt',2));
 await page.waitForSelector('.editor[data-pane-phase=full] .view-line',{timeout:20000});
 await page.click('.view-lines'); await page.waitForTimeout(300);
 await page.evaluate(()=>alcove.show('src/mixed.txt',2)); await page.waitForTimeout(400);
 await page.keyboard.press('Control+Home'); await page.keyboard.press('End'); await page.keyboard.type('!');
 await page.keyboard.press('Enter'); await page.keyboard.type('new');
 await page.waitForTimeout(200);
 await page.screenshot({path:join(artifacts, 'editor-e1.png')});
 await page.keyboard.press('Control+s'); await page.waitForTimeout(600);
 const t=await page.evaluate(async()=>new TextDecoder('utf-8',{ignoreBOM:true}).decode(await alcove.readBytes('src/mixed.txt')));
 assert.equal(t,'\uFEFFone!\r\nnew\r\ntwo\nthree\r\nfour\r\n');
});
await check('undo to the saved state is clean, redo dirty', async()=>{
 await page.evaluate(()=>{window.docs=[]; window.off=alcove.onEvent(e=>{if(e.type==='document')docs.push(e.dirty)})});
 await page.keyboard.type('z'); await page.waitForTimeout(100); await page.keyboard.press('Control+z'); await page.waitForTimeout(200);
 const d=await page.evaluate(()=>docs); assert.equal(d[0],true); assert.equal(d.at(-1),false);
});
await check('lossy file is read-only', async()=>{
 await page.evaluate(()=>alcove.show('bad.txt')); await page.waitForTimeout(500); await page.click('.view-lines'); await page.keyboard.type('q'); await page.waitForTimeout(300);
 await page.screenshot({path:join(artifacts, 'editor-e2.png')});
 const d=await page.evaluate(()=>docs.filter(Boolean).length); assert.equal(d,1);
});
await check('no CSP violation', async()=>assert.deepEqual(await page.evaluate(()=>viol),[]));
// the folder picker, played by OPFS
const p2 = await fresh();
await check('folder picker: prune, import, write back, foreign change left alone, reload', async()=>{
 await p2.evaluate(async()=>{
  const root=await navigator.storage.getDirectory(); try{await root.removeEntry('disk',{recursive:true})}catch{}
  const disk=await root.getDirectoryHandle('disk',{create:true});
  const put=async(p,t)=>{const parts=p.split('/');let d=disk;for(const x of parts.slice(0,-1))d=await d.getDirectoryHandle(x,{create:true});const w=await(await d.getFileHandle(parts.at(-1),{create:true})).createWritable();await w.write(t);await w.close();};
  window.put=put; window.get=async p=>{const parts=p.split('/');let d=disk;for(const x of parts.slice(0,-1))d=await d.getDirectoryHandle(x);return (await(await d.getFileHandle(parts.at(-1))).getFile()).text()};
  await put('.gitignore','node_modules/\n'); await put('src/a.txt','one\r\ntwo\r\n'); await put('node_modules/m/i.js','x'); await put('src/b.txt','b');
  window.showDirectoryPicker=async()=>disk;
 });
 await p2.waitForTimeout(300);
 await p2.getByRole('button',{name:/open folder/i}).first().click({timeout:5000});
 await p2.waitForTimeout(2500);
 const files=await p2.evaluate(async()=>(await alcove.files()).map(f=>f.path)); console.log('   ',files);
 assert(!files.some(f=>f.startsWith('node_modules')));
 await p2.evaluate(()=>alcove.show('src/a.txt')); await p2.waitForSelector('.editor[data-pane-phase=full] .view-line'); await p2.waitForTimeout(500); await p2.click('.view-lines');
 await p2.keyboard.press('Control+Home'); await p2.keyboard.type('X'); await p2.keyboard.press('Control+s'); await p2.waitForTimeout(1200);
 assert.equal(await p2.evaluate(()=>get('src/a.txt')),'Xone\r\ntwo\r\n'); assert.equal(await p2.evaluate(()=>get('src/b.txt')),'b');
 await p2.evaluate(()=>put('src/a.txt','changed elsewhere'));
 await p2.keyboard.type('Y'); await p2.keyboard.press('Control+s'); await p2.waitForTimeout(1200);
 assert.equal(await p2.evaluate(()=>get('src/a.txt')),'changed elsewhere');
 await p2.screenshot({path:join(artifacts, 'editor-e3.png')});
});
await p2.close();
for (const [name,how] of [['webkitdirectory','dir'],['zip-or-files','files']]) await check('file input '+name, async()=>{
 const p=await fresh();
 await p.evaluate(()=>{delete window.showDirectoryPicker; window.showDirectoryPicker=undefined});
 const chooser=p.waitForEvent('filechooser',{timeout:8000});
 await p.getByRole('button',{name: how==='dir'?/open folder/i:/open files/i}).first().click({timeout:5000});
 const c=await chooser; await c.setFiles(how==='dir'?tree:[join(tree,'src/main.rs'),join(tree,'empty.txt')]);
 await p.waitForFunction(async(n)=>(await alcove.files()).some(f=>f.path===n),how==='dir'?'src/main.rs':'main.rs',{timeout:15000}); await p.waitForTimeout(800);
 const files=await p.evaluate(async()=>(await alcove.files()).map(f=>f.path)); console.log('   ',files.length, files.slice(0,4));
 if(how==='dir'){ assert(!files.some(f=>f.startsWith('node_modules/')||f.startsWith('target/')||f.startsWith('.git/'))); assert.equal(files.filter(f=>f.startsWith('many/')).length,230);} else assert.deepEqual(files.filter(f=>/^(main.rs|empty.txt)$/.test(f)).length,2);
 await p.screenshot({path:join(artifacts, `editor-input-${how}.png`)}); await p.close();
});
await check('drop a folder', async()=>{
 const p=await fresh(); const cdp=await ctx.newCDPSession(p);
 const data={items:[],files:[tree],dragOperationsMask:1};
 for(const type of ['dragEnter','dragOver','drop']) await cdp.send('Input.dispatchDragEvent',{type,x:400,y:400,data});
 await p.waitForFunction(async()=>(await alcove.files()).some(f=>f.path==='src/main.rs'),null,{timeout:15000}); await p.waitForTimeout(800);
 const files=await p.evaluate(async()=>(await alcove.files()).map(f=>f.path)); console.log('   ',files.length);
 assert(!files.some(f=>f.startsWith('node_modules/')||f.startsWith('target/')||f.startsWith('.git/'))); assert.equal(files.filter(f=>f.startsWith('many/')).length,230);
 await p.close();
});
await check('Monaco cannot be loaded: plain editing, then retry', async()=>{
 const p=await fresh(); 
 await p.evaluate(()=>new Promise(r=>{const d=indexedDB.deleteDatabase('alcove');d.onsuccess=d.onerror=r})); await p.close(); const q=await ctx.newPage(); q.on('pageerror',e=>console.log('  pe',e.message,e.stack?.slice(0,1500))); q.on('console',m=>{console.log('  c',m.type(),m.text().slice(0,900))});  q.on('requestfailed',r=>console.log('  rf',r.url(),r.failure()?.errorText)); let block=true; await q.route(/monaco-[0-9a-f]+\.js/,r=>block?r.abort():r.continue());
 await q.goto(base); await q.waitForFunction(()=>window.alcove); await q.evaluate(()=>alcove.open([{path:'a.txt',bytes:'hello\r\nworld\r\n'}],{name:'P'}));
 await q.evaluate(()=>alcove.show('a.txt')); await q.waitForSelector('.editor[data-pane-phase=failed] textarea',{timeout:10000});
 await q.click('textarea.editor-text'); await q.keyboard.press('Control+Home'); await q.keyboard.type('A'); await q.screenshot({path:join(artifacts, 'editor-e5.png')});
 await q.keyboard.press('Control+s'); await q.waitForTimeout(500);
 assert.equal(await q.evaluate(async()=>new TextDecoder().decode(await alcove.readBytes('a.txt'))),'Ahello\r\nworld\r\n');
 await q.keyboard.type('B'); block=false; await q.getByRole('button',{name:'Try again'}).click(); await q.waitForSelector('.editor[data-pane-phase=full] .view-line',{timeout:9000}); await q.waitForTimeout(400);
 const t=await q.evaluate(()=>document.querySelector('.view-line').textContent); assert.equal(t,'ABhello');
 await q.close();
});
await check('kill engine: calls settle', async()=>{
 const p=await fresh(); const r=await p.evaluate(async()=>{await alcove.open([{path:'a',bytes:'x'}],{name:'K'}); await alcove.debug.killEngine(); const t=performance.now(); let out; try{out=(await alcove.files()).length}catch(e){out=e.code} return [out,Math.round(performance.now()-t)]}); console.log('   ',r); await p.close();
});
console.log(failed?`${failed} failed`:'all passed'); await b.close(); await rm(tree, { recursive: true }); process.exit(failed?1:0);
