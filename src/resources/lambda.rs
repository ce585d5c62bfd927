//! What Lambda's functions and event source mappings have in common.

use crate::resource::{Changes, Cx, Result, Tags};

/// Returns a nested property as the SDK has it; unset, it is sent empty, which
/// takes away what was set.
pub(super) fn or_empty<T: Default, S: for<'a> From<&'a T>>(value: &Option<T>) -> S {
    value.as_ref().map_or_else(|| S::from(&T::default()), S::from)
}

/// Sets and removes the tags that changed.
pub(super) async fn update_tags(
    arn: &str,
    desired: Option<&Tags>,
    changes: &Changes,
    cx: &Cx,
) -> Result<()> {
    let tags = changes.tags(desired);
    if !tags.set.is_empty() {
        let map = tags.set.into_iter().map(|tag| (tag.key, tag.value)).collect();
        let request = cx.lambda().tag_resource().resource(arn).set_tags(Some(map));
        cx.mutate("lambda:TagResource", || request.clone().send()).await?;
    }
    if !tags.remove.is_empty() {
        let request = cx.lambda().untag_resource().resource(arn).set_tag_keys(Some(tags.remove));
        cx.mutate("lambda:UntagResource", || request.clone().send()).await?;
    }
    Ok(())
}
