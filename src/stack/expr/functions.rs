//! The functions that expressions may call, values on their way in and out of
//! CEL, and its errors in plain words.

use crate::diagnostic::did_you_mean;
use cel::common::ast::{CallExpr, Expr, IdedExpr};
use cel::common::functions::Function;
use cel::common::types::{DYN_TYPE, Kind, LIST_TYPE, STRING_TYPE, Type};
use cel::common::value::{CowVal, Val};
use cel::objects::{Key, Map};
use cel::{Env, ExecutionError};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// The functions and methods of CEL that are on offer.
const STANDARD: &[&str] =
    &["contains", "startsWith", "endsWith", "matches", "size", "string", "int", "double"];

/// Those that take a variable and an expression: calls of them in another form
/// are left as they are by the parser.
const MACROS: &[(&str, &str)] = &[
    ("all", "list.all(x, condition)"),
    ("exists", "list.exists(x, condition)"),
    ("exists_one", "list.exists_one(x, condition)"),
    ("filter", "list.filter(x, condition)"),
    ("map", "list.map(x, value)"),
    ("has", "has(value.Name)"),
];

/// A function of ours: its name, its arguments' types, what it does.
type Own = (&'static str, fn() -> Vec<Type>, Function);

const OWN: &[Own] = &[
    ("join", || vec![LIST_TYPE, STRING_TYPE], |args| text(&args, join)),
    ("split", || vec![STRING_TYPE, STRING_TYPE], split),
    ("lower", || vec![STRING_TYPE], |args| text(&args, |args| Ok(string(&args[0]).to_lowercase()))),
    ("upper", || vec![STRING_TYPE], |args| text(&args, |args| Ok(string(&args[0]).to_uppercase()))),
    (
        "replace",
        || vec![STRING_TYPE, STRING_TYPE, STRING_TYPE],
        |args| text(&args, |args| Ok(string(&args[0]).replace(string(&args[1]), string(&args[2])))),
    ),
    ("json", || vec![DYN_TYPE], |args| text(&args, |args| Ok(args[0].to_string()))),
];

/// The function around every list or map that a comprehension goes through.
const ORDERED: &str = "@ordered";

/// Returns the environment that expressions are compiled and evaluated in.
pub(super) fn environment() -> &'static Arc<Env> {
    static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
        let mut env = Env::stdlib().with_optional_support(false);
        // A declaration fails only when it is made twice, which a test rules out.
        let mut ok = env.add_overload(ORDERED, ORDERED, vec![DYN_TYPE], in_order).is_ok();
        for (name, types, function) in OWN {
            ok &= env.add_overload(name, name, types(), *function).is_ok();
            let mut others = types();
            let target = others.remove(0);
            let id = format!("{name}_method");
            ok &= env.add_member_overload(name, &id, target, others, *function).is_ok();
        }
        debug_assert!(ok, "a function is declared twice");
        Arc::new(env)
    });
    &ENVIRONMENT
}

/// Wraps what a comprehension goes through, so that a map's keys come in
/// order: CEL leaves it open, and a plan must come out the same every time.
pub(super) fn ordered(range: IdedExpr) -> IdedExpr {
    let id = range.id;
    let call = CallExpr { func_name: ORDERED.to_owned(), target: None, args: vec![range] };
    IdedExpr { id, expr: Expr::Call(call) }
}

/// Returns why a function cannot be called, and what to write instead.
pub(super) fn refuse(name: &str) -> Option<(String, Option<String>)> {
    if let Some((_, form)) = MACROS.iter().find(|(known, _)| *known == name) {
        return Some((
            format!("`{name}` is called in another form"),
            Some(format!("write {form}")),
        ));
    }
    let known: Vec<_> = STANDARD
        .iter()
        .copied()
        .chain(OWN.iter().map(|own| own.0))
        .chain(MACROS.iter().map(|known| known.0))
        .collect();
    if known.contains(&name) {
        return None;
    }
    let help = did_you_mean(name, known.iter().copied())
        .unwrap_or_else(|| format!("there are {}", known.join(", ")));
    Some((format!("unknown function `{name}`"), Some(help)))
}

/// Returns what people mean who write what other languages have.
pub(super) fn syntax_help(source: &str) -> Option<String> {
    if source.contains("!Ref") || source.contains("Fn::") {
        return Some("a reference is just its name: ${Key}, ${Key.Arn}".to_owned());
    }
    source.contains(" and ").then(|| "write `&&` and `||`".to_owned())
}

/// Makes a CEL value of a JSON value.
pub(super) fn from_json(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(bool) => cel::Value::Bool(*bool),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => cel::Value::Int(number),
            (None, Some(number)) => cel::Value::UInt(number),
            (None, None) => cel::Value::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => cel::Value::from(text.as_str()),
        Value::Array(items) => items.iter().map(from_json).collect::<Vec<_>>().into(),
        Value::Object(members) => {
            let members: HashMap<Key, cel::Value> = members
                .iter()
                .map(|(name, value)| (Key::from(name.as_str()), from_json(value)))
                .collect();
            cel::Value::Map(Map { map: Arc::new(members) })
        }
    }
}

/// Makes a JSON value of a CEL value, if JSON has its like.
pub(super) fn to_json(value: &cel::Value) -> Option<Value> {
    Some(match value {
        cel::Value::Null => Value::Null,
        cel::Value::Bool(bool) => Value::Bool(*bool),
        cel::Value::Int(number) => Value::from(*number),
        cel::Value::UInt(number) => Value::from(*number),
        cel::Value::Float(number) => Value::Number(serde_json::Number::from_f64(*number)?),
        cel::Value::String(text) => Value::String(text.to_string()),
        cel::Value::List(items) => items.iter().map(to_json).collect::<Option<Value>>()?,
        cel::Value::Map(map) => {
            let mut members: Vec<_> = map.map.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            members
                .into_iter()
                .map(|(key, value)| Some((key.to_string(), to_json(value)?)))
                .collect::<Option<Value>>()?
        }
        _ => return None,
    })
}

type Answer<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// Runs a function from JSON to text.
fn text<'b, 'v>(
    args: &[CowVal<'b, 'v>],
    function: impl Fn(&[Value]) -> Result<String, ExecutionError>,
) -> Answer<'b, 'v> {
    answer(function(&json_args(args)?)?.into())
}

fn json_args(args: &[CowVal<'_, '_>]) -> Result<Vec<Value>, ExecutionError> {
    args.iter().map(|argument| json_arg(argument.as_ref())).collect()
}

fn json_arg(argument: &dyn Val) -> Result<Value, ExecutionError> {
    let value = cel::Value::try_from(argument)?;
    to_json(&value).ok_or_else(|| ExecutionError::function_error("json", "no JSON value"))
}

fn answer<'b, 'v>(value: cel::Value) -> Answer<'b, 'v> {
    let value: Box<dyn Val + 'v> = value.try_into()?;
    Ok(CowVal::Owned(value))
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn join(args: &[Value]) -> Result<String, ExecutionError> {
    let items: Result<Vec<_>, _> = args[0].as_array().into_iter().flatten().map(plain).collect();
    Ok(items?.join(string(&args[1])))
}

/// Returns a scalar as text.
fn plain(value: &Value) -> Result<String, ExecutionError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err(ExecutionError::function_error("join", "only text, numbers and booleans join")),
    }
}

fn split<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    let args = json_args(&args)?;
    let parts: Vec<_> = string(&args[0]).split(string(&args[1])).map(str::to_owned).collect();
    answer(parts.into())
}

fn in_order<'b, 'v>(mut args: Vec<CowVal<'b, 'v>>) -> Answer<'b, 'v> {
    let range = args.remove(0);
    if range.get_type().kind() == Kind::Map
        && let cel::Value::Map(map) = cel::Value::try_from(range.as_ref())?
    {
        let mut keys: Vec<_> = map.map.keys().cloned().collect();
        keys.sort();
        return answer(keys.into_iter().map(cel::Value::from).collect::<Vec<_>>().into());
    }
    Ok(range)
}

/// Says why an expression has no value. Values are left out of it where they
/// are secret.
pub(super) fn explain(error: &ExecutionError, secret: bool) -> String {
    match error {
        ExecutionError::NoSuchOverload(overload) => {
            let types: Vec<_> =
                overload.argument_types().iter().map(|name| type_name(name)).collect();
            format!("`{}` does not take {}", operator(overload.function()), types.join(" and "))
        }
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            let sign = match *operator {
                "add" => "+",
                "sub" => "-",
                "mul" => "*",
                "div" => "/",
                _ => "%",
            };
            let name = |value: &cel::Value| type_name(&value.type_of().to_string()).to_owned();
            format!("`{sign}` does not take {} and {}", name(left), name(right))
        }
        ExecutionError::ValuesNotComparable(..) => "values of two types do not compare".to_owned(),
        ExecutionError::NoSuchKey(key) => format!("there is no `{key}`"),
        ExecutionError::IndexOutOfBounds(_) => "the list is shorter than that".to_owned(),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            "this divides by zero".to_owned()
        }
        ExecutionError::Overflow(..) => "the number is too large".to_owned(),
        ExecutionError::FunctionError { message, .. } if !secret => message.clone(),
        ExecutionError::UndeclaredReference(name) => format!("`{name}` is not known here"),
        error if !secret => error.to_string(),
        _ => "a part of it is of the wrong type".to_owned(),
    }
}

fn operator(function: &str) -> &str {
    match function {
        "@in" => "in",
        "_?_:_" => "? :",
        function => function.trim_matches('_'),
    }
}

fn type_name(name: &str) -> &str {
    match name {
        "int" | "uint" => "a whole number",
        "double" | "float" => "a decimal number",
        "string" => "text",
        "bool" => "a boolean",
        "null" | "null_type" => "null",
        name if name.starts_with("list") => "a list",
        name if name.starts_with("map") => "a map",
        name => name,
    }
}
