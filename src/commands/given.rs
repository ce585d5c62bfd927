//! The command as the user gave it, to tell how to go on.

/// Returns the command of this process, fit for a shell. Values of parameters
/// are left out: a secret may be among them.
pub(super) fn command() -> String {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    shown(words)
}

fn shown(words: impl Iterator<Item = String>) -> String {
    let mut text = "payctl".to_owned();
    let mut is_pair = false;
    for word in words {
        text.push(' ');
        let shown = match word.strip_prefix("--param=") {
            Some(pair) => format!("--param={}", without_value(pair)),
            None if is_pair => without_value(&word),
            None => word.clone(),
        };
        text.push_str(&quoted(&shown));
        is_pair = word == "--param";
    }
    text
}

fn without_value(pair: &str) -> String {
    let name = pair.split('=').next().unwrap_or_default();
    format!("{name}=…")
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=,@%+…".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_command_can_be_given_again_and_tells_no_secret() {
        let words = ["apply", "my stack", "--param", "Key=s3cret", "--param=Pin=4711", "--yes"];
        assert_eq!(
            shown(words.map(str::to_owned).into_iter()),
            "payctl apply 'my stack' --param Key=… --param=Pin=… --yes"
        );
        assert_eq!(
            shown(["plan", "--target", "*/It's"].map(str::to_owned).into_iter()),
            r"payctl plan --target '*/It'\''s'"
        );
    }
}
