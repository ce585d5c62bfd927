//! What the KMS kinds share.

use crate::resource::{Class, Cx, Poll, Result};
use std::future::Future;
use std::time::Duration;

/// Repeats a call until KMS knows the key that it names: that a key was
/// created or enabled reaches all of KMS some seconds later.
pub(super) async fn settled<T, F>(cx: &Cx, mut call: impl FnMut() -> F + Send) -> Result<T>
where
    F: Future<Output = Result<T>> + Send,
    T: Send,
{
    cx.wait(Duration::from_secs(60), || {
        let answer = call();
        async move {
            match answer.await {
                Err(failure)
                    if failure.class == Class::Gone || failure.is_code(&["DisabledException"]) =>
                {
                    Ok(Poll::Pending(format!("KMS does not know the key yet: {failure}")))
                }
                answer => answer.map(Poll::Ready),
            }
        }
    })
    .await
}
