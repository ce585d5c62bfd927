//! The only retry loop: it paces a call, journals each mutating attempt, and
//! repeats it while its failure is of a class that repeating can help.

use super::error::{Class, Failure};
use crate::resource::Cx;
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

/// What a call does, and so what a lost answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// It changes nothing.
    Observe,
    /// It changes something and may be repeated.
    Mutate,
    /// It makes a new thing each time.
    Create,
}

/// How a class of failures is repeated.
struct Pace {
    first: Duration,
    longest: Duration,
    deadline: Duration,
    reason: &'static str,
}

/// Deadlines follow what AWS documents or its support states: IAM may take
/// minutes to be known everywhere, a bucket name up to about an hour after a
/// deletion elsewhere.
fn pace(class: Class) -> Option<Pace> {
    let (first, longest, deadline, reason) = match class {
        Class::Throttled => (200, 10_000, 900, "AWS asks for fewer calls"),
        Class::Propagating => (250, 3_000, 300, "waiting for IAM to propagate"),
        Class::Conflicting => (250, 5_000, 900, "AWS is busy with it"),
        Class::Transient => (100, 3_000, 30, "AWS did not answer well"),
        Class::Unreachable => (200, 1_000, 30, "the region does not answer"),
        _ => return None,
    };
    Some(Pace {
        first: Duration::from_millis(first),
        longest: Duration::from_millis(longest),
        deadline: Duration::from_secs(deadline),
        reason,
    })
}

/// Makes a call until it succeeds, cannot succeed, or its deadline passes.
pub(crate) async fn run<T, E, F>(
    cx: &Cx,
    operation: &str,
    region: &str,
    verb: Verb,
    mut request: impl FnMut() -> F + Send,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, E>> + Send,
    Failure: From<E>,
{
    let started = Instant::now();
    let mut tries = 0;
    loop {
        let failure = match attempt(cx, operation, region, verb, &mut request).await {
            Ok(answer) => return Ok(answer),
            Err(failure) => failure.of(operation),
        };
        if verb == Verb::Create && failure.class == Class::Transient {
            return Err(failure.with_class(Class::InDoubt));
        }
        if failure.is_unanswered() && cx.link.is_silent(region) {
            let message = format!("{region} does not answer: {}", failure.message);
            return Err(Failure { class: Class::Unreachable, message, ..failure });
        }
        let Some(pace) = pace(failure.class) else { return Err(failure) };
        if started.elapsed() > pace.deadline || cx.link.is_stopping() {
            return Err(failure);
        }
        let pause = pace.first.saturating_mul(1 << tries.min(10)).min(pace.longest);
        tries += 1;
        cx.link.waiting(&format!("{}: {}", pace.reason, failure.message));
        tokio::time::sleep(jittered(pause)).await;
    }
}

async fn attempt<T, E, F>(
    cx: &Cx,
    operation: &str,
    region: &str,
    verb: Verb,
    request: &mut (impl FnMut() -> F + Send),
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, E>> + Send,
    Failure: From<E>,
{
    let permit = cx.link.permit(region).await;
    let intent = match verb {
        Verb::Observe => None,
        Verb::Mutate | Verb::Create => Some(cx.link.intent(operation).await?),
    };
    let sent = Instant::now();
    let answer = request().await.map_err(Failure::from);
    cx.link.called(operation, region, sent.elapsed(), answer.as_ref().err());
    drop(permit);
    if let Some(intent) = intent {
        cx.link.outcome(intent, answer.as_ref().err()).await?;
    }
    answer
}

/// Spreads calls that failed together: half of the pause is left to chance.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64((1.0 + fastrand::f64()) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_failed_together_come_again_apart() {
        let pause = Duration::from_secs(10);
        let pauses: Vec<Duration> = (0..100).map(|_| jittered(pause)).collect();
        assert!(pauses.iter().all(|jittered| (pause / 2..=pause).contains(jittered)), "{pauses:?}");
        let (first, last) = (pauses.iter().min(), pauses.iter().max());
        assert!(
            last.zip(first).is_some_and(|(last, first)| *last - *first > pause / 4),
            "{pauses:?}"
        );
    }
}
