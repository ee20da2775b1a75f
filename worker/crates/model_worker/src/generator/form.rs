//! What a caller wants an answer to be, as what the writer keeps to.

use std::cell::RefCell;
use std::rc::Rc;

use infer::Constraint;
use protocol::{Fault, FaultCode, OutputForm};
use tokens::{Bpe, Form, FormError, Formed, Forms};

/// Compiles forms for a loaded model. What that takes is made for the first form and kept.
#[derive(Debug, Default)]
pub struct Compiler {
    /// By the tokens that end a text.
    forms: RefCell<Option<(Vec<u32>, Rc<Forms>)>>,
}

impl Compiler {
    /// The form of a text that the tokens in `end` end.
    ///
    /// # Errors
    /// [`FaultCode::TooLarge`] and [`FaultCode::Invalid`] where the form is at fault, [`FaultCode::Unsupported`] where
    /// the model is.
    pub fn compile(&self, bpe: &Bpe, end: &[u32], form: &OutputForm) -> Result<Box<dyn Constraint>, Fault> {
        let form = match form {
            OutputForm::JsonSchema(schema) => Form::JsonSchema(schema),
            OutputForm::Grammar(grammar) => Form::Lark(grammar),
        };
        let formed = self.forms(bpe, end).and_then(|forms| forms.compile(form)).map_err(|err| fault(&err))?;
        Ok(Box::new(Kept(formed)))
    }

    fn forms(&self, bpe: &Bpe, end: &[u32]) -> Result<Rc<Forms>, FormError> {
        let mut kept = self.forms.borrow_mut();
        if let Some((for_end, forms)) = &*kept
            && for_end == end
        {
            return Ok(forms.clone());
        }
        let forms = Rc::new(Forms::new(bpe, end)?);
        *kept = Some((end.to_vec(), forms.clone()));
        Ok(forms)
    }
}

fn fault(err: &FormError) -> Fault {
    let code = match err {
        FormError::TooLong(_) | FormError::TooDeep(_) => FaultCode::TooLarge,
        FormError::Vocabulary(_) => FaultCode::Unsupported,
        _ => FaultCode::Invalid,
    };
    // The reason of a library may or may not end as a sentence does.
    let text = err.to_string();
    let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    Fault::new(code, format!("{}{}.", first.to_uppercase(), rest.trim_end_matches(['.', ' '])))
}

/// A form of `tokens` where `infer` wants one; neither knows the other.
#[derive(Clone, Debug)]
struct Kept(Formed);

impl Constraint for Kept {
    fn allowed(&mut self) -> Result<&[u32], String> {
        self.0.allowed().map_err(|err| err.to_string())
    }

    fn accept(&mut self, token: u32) -> Result<(), String> {
        self.0.accept(token).map_err(|err| err.to_string())
    }

    fn is_done(&self) -> bool {
        self.0.is_done()
    }

    fn boxed_clone(&self) -> Box<dyn Constraint> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
