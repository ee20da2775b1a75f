//! A template compiled so that none of its steps can make a value that was not weighed.
//!
//! minijinja counts steps, but a step may double a text or a list, and forty of them fill any memory. Here the
//! instructions that make values or look all the way into them are replaced, one by one, by calls of filters that weigh
//! first; filters, methods and output are weighed by the environment. What is not needed by chat templates and cannot
//! be weighed is refused. The compiler itself computes constant expressions, which `"x" * 100000000` would abuse, so
//! that operand is hidden from it before.

use minijinja::machinery::{CodeGenerator, Instruction, Instructions, Token, parse, tokenize};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Error, ErrorKind};

use super::TemplateError;
use super::operators::{ADD, COMPARE, ITEM, JOIN_TEXT, KEPT, LIST, LOOPED, MAP, MULTIPLY, OPAQUE, SLICE};

/// Most words and signs in one tag, and most branches: the compiler goes down a level for each, on the stack.
const MAX_TOKENS: usize = 400;
const MAX_ELIFS: usize = 100;

/// How templates of transformers are read: line ends behind blocks and spaces before them are no text.
pub(super) fn syntax() -> Result<SyntaxConfig, Error> {
    SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()
}

/// `source` with the operand before each `*`, what each loop goes over, and what is put into a namespace, passed through
/// filters: the first since the compiler must not see through it, the others since neither the start of a loop nor the
/// change of a namespace is an instruction that can be replaced.
pub(super) fn opaque(source: &str) -> Result<String, Error> {
    let refused = |why: &'static str| Err(Error::new(ErrorKind::SyntaxError, why));
    let mut out = String::with_capacity(source.len());
    let mut from = 0;
    let (mut num_tokens, mut num_elifs) = (0, 0);
    let mut head = Head::Other;
    for token in tokenize(source, false, syntax()?) {
        let (token, span) = token?;
        num_tokens =
            if matches!(token, Token::VariableStart | Token::BlockStart) { 0 } else { num_tokens + 1 };
        num_elifs += usize::from(matches!(token, Token::Ident("elif")));
        if num_tokens > MAX_TOKENS || num_elifs > MAX_ELIFS {
            return refused("it has too long an expression or too many branches");
        }
        let (start, end) = (span.start_offset as usize, span.end_offset as usize);
        let mut put = |up_to: usize, what: [&str; 3]| {
            out.push_str(&source[from..up_to]);
            out.extend(what);
            from = up_to;
        };
        if matches!(token, Token::Mul) {
            put(start, ["|", OPAQUE, ""]);
        }
        head = match (head, &token) {
            (_, Token::BlockStart) => Head::Block,
            (Head::Block, Token::Ident("for")) => Head::Target,
            (Head::Block, Token::Ident("set")) => Head::Set { dotted: false },
            (Head::Block, _) => Head::Other,
            (Head::Set { .. }, Token::Dot) => Head::Set { dotted: true },
            (Head::Set { dotted: true }, Token::Pipe) => return refused("it filters what it keeps"),
            (Head::Set { dotted: true }, Token::Assign) => {
                put(end, ["(", "", ""]);
                Head::Kept
            }
            (Head::Set { .. }, Token::Assign | Token::BlockEnd) => Head::Other,
            (Head::Kept, Token::BlockEnd) => {
                put(start, [")|", KEPT, " "]);
                Head::Other
            }
            (Head::Target, Token::Ident("in")) => {
                put(end, ["(", "", ""]);
                Head::Looped(0)
            }
            (Head::Looped(0), Token::Ident("recursive")) => return refused("its loops call themselves"),
            (Head::Looped(0), Token::Ident("if") | Token::BlockEnd) => {
                put(start, [")|", LOOPED, " "]);
                Head::Other
            }
            (Head::Looped(depth), Token::ParenOpen | Token::BracketOpen | Token::BraceOpen) => {
                Head::Looped(depth + 1)
            }
            (Head::Looped(depth), Token::ParenClose | Token::BracketClose | Token::BraceClose) => {
                Head::Looped(depth.saturating_sub(1))
            }
            (head, _) => head,
        };
    }
    out.push_str(&source[from..]);
    Ok(out)
}

/// Where in the head of a block a token stands.
#[derive(Clone, Copy)]
enum Head {
    /// Nowhere.
    Other,
    /// At the first word of a block.
    Block,
    /// Between `for` and `in`.
    Target,
    /// In what the loop goes over, inside so many brackets.
    Looped(u32),
    /// Between `set` and `=`; whether it is a name in a namespace that is set.
    Set {
        /// There was a dot.
        dotted: bool,
    },
    /// In what is put into a namespace.
    Kept,
}

/// Compile what [`opaque`] gave.
pub(super) fn compile(source: &str) -> Result<Instructions<'_>, TemplateError> {
    let syntax = syntax().map_err(TemplateError::syntax)?;
    let ast = parse(source, "chat template", syntax).map_err(TemplateError::syntax)?;
    let mut generator = CodeGenerator::new("chat template", source);
    generator.compile_stmt(&ast);
    let (mut instructions, blocks) = generator.finish();
    if !blocks.is_empty() {
        return Err(TemplateError::Unsupported("blocks".into()));
    }
    let mut at = 0;
    while let Some(instruction) = instructions.get_mut(at) {
        if let Some((filter, num_args)) = weighed(instruction)? {
            // The last number stands for “do not remember where this filter is”.
            *instruction = Instruction::ApplyFilter(filter, Some(num_args), u8::MAX);
        }
        at += 1;
    }
    Ok(instructions)
}

/// The filter that takes the place of an instruction, and how many values it takes from the stack.
fn weighed(instruction: &Instruction<'_>) -> Result<Option<(&'static str, u16)>, TemplateError> {
    let count = |num: usize| {
        u16::try_from(num).map_err(|_| TemplateError::Unsupported("a list of more than 65,000 items".into()))
    };
    let unsupported = |what: &str| Err(TemplateError::Unsupported(what.to_owned()));
    Ok(Some(match instruction {
        Instruction::Add => (ADD, 2),
        Instruction::Mul => (MULTIPLY, 2),
        Instruction::StringConcat => (JOIN_TEXT, 2),
        Instruction::Eq => (COMPARE[0], 2),
        Instruction::Ne => (COMPARE[1], 2),
        Instruction::Lt => (COMPARE[2], 2),
        Instruction::Lte => (COMPARE[3], 2),
        Instruction::Gt => (COMPARE[4], 2),
        Instruction::Gte => (COMPARE[5], 2),
        Instruction::In => (COMPARE[6], 2),
        Instruction::GetItem => (ITEM, 2),
        Instruction::Slice => (SLICE, 4),
        Instruction::BuildList(Some(num)) | Instruction::BuildTuple(Some(num)) => (LIST, count(*num)?),
        Instruction::BuildMap(pairs) => (MAP, count(pairs.saturating_mul(2))?),
        // A list without a number is what a loop with a condition makes: no more than it was given.
        Instruction::BuildTuple(None) | Instruction::UnpackLists(_) => {
            return unsupported("unpacking with *");
        }
        Instruction::CompareAndPreserve(_) => return unsupported("chained comparisons"),
        Instruction::CallBlock(_) | Instruction::FastSuper => return unsupported("blocks"),
        Instruction::Include(_) | Instruction::LoadBlocks | Instruction::ExportLocals => {
            return unsupported("other templates");
        }
        // These compare or count values without an end of their own.
        Instruction::CallMethod("cycle" | "changed", _) => return unsupported("loop.cycle and loop.changed"),
        Instruction::PushAutoEscape => return unsupported("autoescape"),
        _ => return Ok(None),
    }))
}

/// Length of the longest text that the template itself has in one piece.
pub(super) fn longest_text(instructions: &Instructions<'_>) -> u64 {
    let text = |instruction: &Instruction<'_>| match instruction {
        Instruction::EmitRaw(text) => text.len() as u64,
        _ => 0,
    };
    (0..).map_while(|at| instructions.get(at)).map(text).max().unwrap_or(0)
}
