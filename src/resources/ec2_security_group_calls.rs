//! EC2's calls for the rules of security groups.

use super::ec2::{filter, find_owned, is_own, known, ownership, seen, tagged};
use super::ec2_security_group_properties::Rule;
use crate::resource::{Class, Cx, Failure, Found as _, Id, Result, Tags};
use aws_sdk_ec2::types::{
    IpPermission, ResourceType, SecurityGroupRule, SecurityGroupRuleUpdate, TagSpecification,
};
use serde_json::json;

/// A direction of traffic.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Direction {
    /// What comes in.
    In,
    /// What goes out.
    Out,
}

/// Makes a rule that is a resource of its own, and returns when EC2 shows it.
/// It is tagged, so that it is told from a rule of the same words that is
/// somebody else's.
pub(super) async fn create(group: &str, direction: Direction, rule: Rule, cx: &Cx) -> Result<Id> {
    let tags: Tags = ownership(cx).into_iter().collect();
    let tags = tagged(ResourceType::SecurityGroupRule, Some(&tags));
    let made = authorize(group, direction, &[rule], Some(tags), cx).await?;
    let Some(id) = made.map(Id::from) else {
        return Err(Failure::local(Class::InDoubt, "EC2 did not say which rule it added"));
    };
    cx.created(&id, json!({ "Id": id.as_str() })).await?;
    seen(cx, || read(id.as_str(), cx)).await?;
    Ok(id)
}

/// Adds rules to a group. Returns the id of the first, if there is one.
pub(super) async fn authorize(
    id: &str,
    direction: Direction,
    rules: &[Rule],
    tags: Option<TagSpecification>,
    cx: &Cx,
) -> Result<Option<String>> {
    let tags = tags.map(|tags| vec![tags]);
    let Some(permissions) = permissions(rules) else { return Ok(None) };
    let permissions = Some(permissions);
    let made = if direction == Direction::In {
        let request = cx
            .ec2()
            .authorize_security_group_ingress()
            .group_id(id)
            .set_ip_permissions(permissions)
            .set_tag_specifications(tags);
        let answer =
            known(cx, || cx.mutate("ec2:AuthorizeSecurityGroupIngress", || request.clone().send()));
        answer.await?.security_group_rules
    } else {
        let request = cx
            .ec2()
            .authorize_security_group_egress()
            .group_id(id)
            .set_ip_permissions(permissions)
            .set_tag_specifications(tags);
        let answer =
            known(cx, || cx.mutate("ec2:AuthorizeSecurityGroupEgress", || request.clone().send()));
        answer.await?.security_group_rules
    };
    Ok(made.and_then(|rules| rules.into_iter().next()?.security_group_rule_id))
}

/// Removes rules from a group; some may be gone already.
pub(super) async fn revoke(id: &str, direction: Direction, rules: &[Rule], cx: &Cx) -> Result<()> {
    // What a rule is for has no part in which it is.
    let plain: Vec<_> =
        rules.iter().map(|rule| Rule { description: None, ..rule.clone() }).collect();
    let Some(permissions) = permissions(&plain) else { return Ok(()) };
    let permissions = Some(permissions);
    if direction == Direction::In {
        let request =
            cx.ec2().revoke_security_group_ingress().group_id(id).set_ip_permissions(permissions);
        cx.mutate("ec2:RevokeSecurityGroupIngress", || request.clone().send()).await.found()?;
    } else {
        let request =
            cx.ec2().revoke_security_group_egress().group_id(id).set_ip_permissions(permissions);
        cx.mutate("ec2:RevokeSecurityGroupEgress", || request.clone().send()).await.found()?;
    }
    Ok(())
}

fn permissions(rules: &[Rule]) -> Option<Vec<IpPermission>> {
    let permissions: Vec<_> = rules.iter().map(Rule::permission).collect();
    Some(permissions).filter(|permissions| !permissions.is_empty())
}

/// Changes what rules say that they are for.
pub(super) async fn describe_rules(
    group: &str,
    direction: Direction,
    rules: &[&Rule],
    cx: &Cx,
) -> Result<()> {
    let updates = seen(cx, || async {
        let mut updates = Vec::new();
        for found in rules_in(group, direction, cx).await? {
            let live = Rule::of(&found);
            if let Some(rule) = rules.iter().find(|rule| rule.is(&live)) {
                updates.push(update(&found.security_group_rule_id.unwrap_or_default(), rule));
            }
        }
        Ok(Some(updates).filter(|updates| updates.len() == rules.len()))
    });
    modify(group, updates.await?, cx).await
}

/// Changes what a rule says that it is for.
pub(super) async fn describe_rule(group: &str, id: &str, rule: &Rule, cx: &Cx) -> Result<()> {
    modify(group, vec![update(id, rule)], cx).await
}

fn update(id: &str, rule: &Rule) -> SecurityGroupRuleUpdate {
    SecurityGroupRuleUpdate::builder()
        .security_group_rule_id(id)
        .security_group_rule(rule.request())
        .build()
}

async fn modify(group: &str, updates: Vec<SecurityGroupRuleUpdate>, cx: &Cx) -> Result<()> {
    let request = cx
        .ec2()
        .modify_security_group_rules()
        .group_id(group)
        .set_security_group_rules(Some(updates));
    cx.mutate("ec2:ModifySecurityGroupRules", || request.clone().send()).await?;
    Ok(())
}

/// Finds the rule of a group that is this node's own, by its tags.
pub(super) async fn find(group: &str, direction: Direction, cx: &Cx) -> Result<Option<Id>> {
    find_owned(cx, || async {
        let rules = rules_in(group, direction, cx).await.found()?.unwrap_or_default();
        let own = rules.into_iter().find(|rule| is_own(rule.tags.as_deref(), cx));
        Ok(own.and_then(|rule| rule.security_group_rule_id))
    })
    .await
}

/// Reads a rule by its id.
pub(super) async fn read(id: &str, cx: &Cx) -> Result<Option<SecurityGroupRule>> {
    let request = cx.ec2().describe_security_group_rules().security_group_rule_ids(id);
    let answer =
        cx.observe("ec2:DescribeSecurityGroupRules", || request.clone().send()).await.found()?;
    Ok(answer.and_then(|answer| answer.security_group_rules?.into_iter().next()))
}

/// Removes a rule by its id, of the group that was recorded if one was.
pub(super) async fn remove(
    id: &str,
    group: Option<String>,
    direction: Direction,
    cx: &Cx,
) -> Result<()> {
    let group = match group {
        Some(group) => group,
        None => match read(id, cx).await?.and_then(|rule| rule.group_id) {
            Some(group) => group,
            None => return Ok(()),
        },
    };
    if direction == Direction::Out {
        let request =
            cx.ec2().revoke_security_group_egress().group_id(group).security_group_rule_ids(id);
        cx.mutate("ec2:RevokeSecurityGroupEgress", || request.clone().send()).await.found()?;
    } else {
        let request =
            cx.ec2().revoke_security_group_ingress().group_id(group).security_group_rule_ids(id);
        cx.mutate("ec2:RevokeSecurityGroupIngress", || request.clone().send()).await.found()?;
    }
    Ok(())
}

/// Lists the rules of a group for one direction.
async fn rules_in(group: &str, direction: Direction, cx: &Cx) -> Result<Vec<SecurityGroupRule>> {
    let request = cx.ec2().describe_security_group_rules().filters(filter("group-id", group));
    let mut rules = Vec::new();
    let mut token = None;
    loop {
        let page = cx
            .observe("ec2:DescribeSecurityGroupRules", || {
                request.clone().set_next_token(token.clone()).send()
            })
            .await?;
        let found = page.security_group_rules.unwrap_or_default().into_iter();
        rules.extend(found.filter(|r| r.is_egress == Some(direction == Direction::Out)));
        token = page.next_token;
        if token.is_none() {
            return Ok(rules);
        }
    }
}
