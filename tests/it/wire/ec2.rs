//! What no emulator does of EC2: what EC2 does not know or keep yet, interfaces
//! that linger, tokens that lead to what is gone, and the changes of properties
//! that MiniStack does not keep.

mod creation;
mod deletion;
mod rules;
mod updates;

use super::replay::{Exchange, Replay};

/// What EC2 answers.
pub(super) enum Answer {
    /// The inside of the answer's element.
    Good(String),
    /// An error's code.
    Error(&'static str),
}

pub(super) use Answer::{Error, Good};

/// Returns the answer with this inside its element.
pub(super) fn good(inside: impl Into<String>) -> Answer {
    Good(inside.into())
}

/// Returns the answer of operations that have nothing to say.
pub(super) fn done() -> Answer {
    good("<return>true</return>")
}

/// An operation of EC2 that is expected, and the answer to it.
impl From<(&'static str, Answer)> for Exchange {
    fn from((action, answer): (&'static str, Answer)) -> Self {
        let expected = format!("Action={action}&");
        match answer {
            Error(code) => refusal(&expected, code, &format!("{code} it is")),
            Good(inside) => Self {
                expected,
                status: 200,
                content_type: "text/xml",
                answer: format!(
                    "<{action}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
                     <requestId>r</requestId>{inside}</{action}Response>"
                ),
            },
        }
    }
}

/// Returns the exchange that ends in an error.
pub(super) fn refusal(expected: &str, code: &str, message: &str) -> Exchange {
    Exchange {
        expected: expected.to_owned(),
        status: 400,
        content_type: "text/xml",
        answer: format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{}</Message></Error></Errors>\
             <RequestID>r</RequestID></Response>",
            message.replace('&', " ")
        ),
    }
}

impl Replay {
    /// Returns the requests for an operation, each with its parameters in order.
    pub(super) fn sent(&self, action: &str) -> Vec<String> {
        let bodies = self.requests().into_iter().map(|request| request.body);
        let of_action = bodies.filter(|body| field(body, "Action") == Some(action));
        let shown = |body: String| {
            let mut parameters: Vec<_> = body
                .split('&')
                .filter(|p| !p.starts_with("Action=") && !p.starts_with("Version="))
                .map(decoded)
                .collect();
            parameters.sort();
            parameters.join(" ")
        };
        of_action.map(shown).collect()
    }

    /// Returns a parameter of the requests for an operation.
    pub(super) fn values(&self, action: &str, parameter: &str) -> Vec<String> {
        let bodies = self.requests().into_iter().map(|request| request.body);
        let of_action = bodies.filter(|body| field(body, "Action") == Some(action));
        of_action.filter_map(|body| field(&body, parameter).map(decoded)).collect()
    }
}

/// Returns text without the escapes of a form.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).expect("an escape"));
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).expect("text")
}

fn field<'a>(body: &'a str, name: &str) -> Option<&'a str> {
    body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}
