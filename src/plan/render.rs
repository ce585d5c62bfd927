//! A plan as people read it.

mod values;

use super::{Action, OutputChange, Plan, Step};
use crate::resource::Change;
use crate::ui::{Paint, counted};
use std::fmt::Write as _;
use values::{Line, value};

/// Returns the plan as text: the steps that do something, the outputs that
/// change, and a summary.
pub fn human(plan: &Plan, paint: Paint) -> String {
    let mut text = String::new();
    let type_column = plan
        .steps
        .iter()
        .filter(|step| is_shown(step))
        .map(|step| step.address.to_string().chars().count())
        .max()
        .unwrap_or(0);
    for step in plan.steps.iter().filter(|step| is_shown(step)) {
        show_step(&mut text, step, type_column, paint);
    }
    show_outputs(&mut text, plan, paint);
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&summary(plan));
    text.push('\n');
    for refusal in &plan.refusals {
        let _infallible = writeln!(text, "{} {refusal}", paint.red("Refused:"));
    }
    text
}

fn is_shown(step: &Step) -> bool {
    step.action != Action::None || !step.drift.is_empty()
}

/// Returns `104 to create, 1 to change`.
pub fn summary(plan: &Plan) -> String {
    let words = [
        (Action::Create, "to create"),
        (Action::Adopt, "to adopt"),
        (Action::Move, "to move"),
        (Action::Update, "to change"),
        (Action::Replace, "to replace"),
        (Action::Delete, "to delete"),
        (Action::Forget, "to forget"),
        (Action::Unreachable, "unreachable"),
    ];
    let counts = plan.counts();
    let mut parts: Vec<_> = words
        .iter()
        .filter_map(|(action, words)| counts.get(action).map(|count| format!("{count} {words}")))
        .collect();
    // A step without an action gives its reason when it would have had one.
    let left = plan.steps.iter().filter(|s| s.action == Action::None && !s.reasons.is_empty());
    let outputs = plan.outputs.len() as u64;
    match (parts.is_empty(), left.count()) {
        (true, 0) if outputs > 0 => {
            format!("AWS is as the stack says; {} to change", counted(outputs, "output"))
        }
        (true, 0) if plan.steps.is_empty() => "Nothing to do: there are no nodes".to_owned(),
        (true, 0) => "No changes: AWS is as the stack says".to_owned(),
        (true, left) => format!("No changes; {left} left alone by --target or --exclude"),
        (false, 0) => parts.join(", "),
        (false, left) => {
            parts.push(format!("{left} left alone by --target or --exclude"));
            parts.join(", ")
        }
    }
}

fn show_step(text: &mut String, step: &Step, type_column: usize, paint: Paint) {
    let sign = sign(step.action, paint);
    let address = format!("{:type_column$}", step.address.to_string());
    let note = note(step);
    let _infallible = writeln!(text, "  {sign} {}  {}{note}", paint.bold(address), step.type_name);
    match step.action {
        Action::Create => show_desired(text, step, paint),
        _ => step.changes.iter().for_each(|change| show_change(text, step, change, paint)),
    }
    step.drift.iter().for_each(|drift| show_drift(text, step, drift, paint));
}

fn sign(action: Action, paint: Paint) -> String {
    match action {
        Action::None => paint.yellow("!"),
        Action::Create => paint.green("+"),
        Action::Adopt => paint.green("⇐"),
        Action::Move => paint.yellow("→"),
        Action::Update => paint.yellow("~"),
        Action::Replace => paint.red("±"),
        Action::Delete => paint.red("-"),
        Action::Forget => paint.dim("∅"),
        Action::Unreachable => paint.red("?"),
    }
}

fn note(step: &Step) -> String {
    let mut notes: Vec<String> = step.reasons.clone();
    if let Some(from) = &step.from {
        notes.push(format!("was {from}"));
    }
    if step.action == Action::Replace {
        let fixed: Vec<_> = step
            .changes
            .iter()
            .filter(|change| change.replaces)
            .map(|change| change.path.as_str())
            .collect();
        if !fixed.is_empty() {
            notes.push(format!("replaced: {} cannot change in place", fixed.join(", ")));
        }
        if step.delete_first {
            notes.push("the old one goes first, for both have the same name".to_owned());
        }
    }
    if notes.is_empty() { String::new() } else { format!("  {}", notes.join("; ")) }
}

fn show_desired(text: &mut String, step: &Step, paint: Paint) {
    let properties = step.desired.as_object().into_iter().flatten();
    for (name, property) in properties.filter(|(name, _)| *name != "Tags") {
        let _infallible = writeln!(text, "      {name:24} {}", paint.dim(value(property)));
    }
}

fn show_change(text: &mut String, step: &Step, change: &Change, paint: Paint) {
    let arrow = if change.replaces { paint.red("→") } else { "→".to_owned() };
    for line in values::lines(change, "(AWS's default)", &step.desired) {
        let Line { path, before, after, note } = line;
        let _infallible = writeln!(text, "      {path:24} {before} {arrow} {after}{note}");
    }
}

fn show_drift(text: &mut String, step: &Step, drift: &Change, paint: Paint) {
    let sign = paint.yellow("!");
    for Line { path, before, after, .. } in values::lines(drift, "(unset)", &step.desired) {
        let shown = format!("{before} → {after}");
        let _infallible = writeln!(text, "      {sign} {path:22} {shown}  changed outside payctl");
    }
}

fn show_outputs(text: &mut String, plan: &Plan, paint: Paint) {
    if plan.outputs.is_empty() {
        return;
    }
    text.push_str("  Outputs\n");
    for (name, OutputChange { before, after }) in &plan.outputs {
        for (path, before, after) in values::members(name, before, after) {
            let (sign, shown) = match (before.is_null(), after.is_null()) {
                (true, _) => (paint.green("+"), value(after)),
                (_, true) => (paint.red("-"), value(before)),
                _ => {
                    let (before, after) = values::pair(before, after);
                    (paint.yellow("~"), format!("{before} → {after}"))
                }
            };
            let _infallible = writeln!(text, "    {sign} {path:24} {shown}");
        }
    }
}
