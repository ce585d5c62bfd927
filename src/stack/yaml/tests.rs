use super::*;
use proptest::prelude::*;
use serde_json::json;

fn read_all(text: &str) -> (Option<Yaml>, Vec<Diagnostic>) {
    let mut problems = Vec::new();
    let root = parse(0, text, &mut problems);
    (root, problems)
}

fn value(text: &str) -> Value {
    let (root, problems) = read_all(text);
    assert_eq!(problems, [], "{text}");
    root.expect("a document").to_json()
}

#[test]
fn scalars_are_those_of_yaml_1_2() {
    for (text, expected) in [
        ("yes", json!("yes")),
        ("2020-01-01", json!("2020-01-01")),
        ("0x1F", json!(31)),
        ("0o17", json!(15)),
        ("-3", json!(-3)),
        ("+3", json!(3)),
        ("0", json!(0)),
        ("1e3", json!(1000.0)),
        ("-.5", json!(-0.5)),
        ("1_000", json!("1_000")),
        ("12:30", json!("12:30")),
        ("1.2.3", json!("1.2.3")),
        ("--1", json!("--1")),
        ("1-2", json!("1-2")),
        ("'1'", json!("1")),
        ("~", json!(null)),
        ("True", json!(true)),
        ("!!str 1", json!("1")),
        ("-9223372036854775808", json!(i64::MIN)),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
    for text in ["010", "-01", "9223372036854775808", ".nan", "-.inf", "!Ref A", "!!int 3"] {
        assert_eq!(read_all(text).1.len(), 1, "{text}");
    }
}

#[test]
fn values_know_where_they_stand() {
    let text = "a: [x, 'yy']\nb:\n  c: |\n    text\n";
    let (root, _) = read_all(text);
    let Some(Yaml { data: Data::Map(members), .. }) = root else { panic!("a map") };
    let slice = |span: Span| &text[span.start as usize..span.end as usize];
    assert_eq!(slice(members[0].0.span), "a");
    assert_eq!(slice(members[0].1.span), "[x, 'yy']");
    let Data::List(items) = &members[0].1.data else { panic!("a list") };
    assert_eq!(slice(items[1].span), "'yy'");
}

#[test]
fn a_map_merges_what_it_does_not_have() {
    let text = "a: &a {x: 1, y: 2}\nb: {y: 3, <<: [*a, {z: 4, x: 5}]}\n";
    assert_eq!(value(text)["b"], json!({"x": 1, "y": 3, "z": 4}));
}

#[test]
fn every_unquoted_expression_is_told_and_the_rest_is_read() {
    let text = "a: [1, ${x.y}]\nb: ${p ? 1 : 2}\nc: {d: ${ {'e': 1}.e }, f: 010}\ng: 1\n";
    let (root, problems) = read_all(text);
    let places: Vec<_> = problems.iter().map(|problem| problem.summary.clone()).collect();
    assert_eq!(places.len(), 4, "{places:?}");
    let root = root.expect("a document").to_json();
    assert_eq!(root["g"], json!(1));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[ -~\n\t\\[\\]{}:,'\"$&*!|>é]{0,60}") {
        let (root, problems) = read_all(&text);
        let blank = root.is_none() && problems.is_empty();
        prop_assert!(!blank || !text.contains(|c: char| c.is_alphanumeric()) || text.contains(['#', '%']));
    }

    #[test]
    fn json_is_yaml(texts in proptest::collection::btree_map("[a-z]{1,8}", "[ -~é]{0,12}", 0..6), number: i64) {
        let expected = json!({"texts": texts, "number": number, "list": [true, null, 0.5]});
        prop_assert_eq!(value(&expected.to_string()), expected);
    }
}
