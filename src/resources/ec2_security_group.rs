//! `AWS::EC2::SecurityGroup`: a security group and its rules.

use super::ec2::{filter, find_owned, is_own, owned, retag, seen, tagged, tags_of};
use super::ec2_lingering::{Holder, delete};
use super::ec2_security_group_calls::{Direction, authorize, describe_rules, revoke};
use super::ec2_security_group_check::{DESTINATIONS, SOURCES, rules_faults, text_fault};
use super::ec2_security_group_properties::{Egress, Ingress, Rule, rules_of};
use crate::resource::{
    Changes, Class, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Live, Meta,
    Recorded, Resource, Result, Set, Shared, Tags,
};
use aws_sdk_ec2::types::{ResourceType, SecurityGroup as Description};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A security group. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-securitygroup.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SecurityGroup {
    /// What it is for.
    #[schemars(length(max = 255))]
    pub group_description: Fixed<String>,
    /// Its name, unique in the VPC.
    #[schemars(length(min = 1, max = 255))]
    pub group_name: Option<Fixed<String>>,
    /// The VPC; unset, the account's default one.
    pub vpc_id: Option<Fixed<String>>,
    /// What may come in. Rules that are resources of their own are left alone.
    pub security_group_ingress: Option<Shared<Set<Ingress>>>,
    /// What may go out; unset, everything. Rules that are resources of their
    /// own are left alone.
    pub security_group_egress: Option<Shared<Set<Egress>>>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// What EC2 gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its id.
    pub group_id: Early<String>,
    /// Its id, under another name.
    pub id: Early<String>,
    /// The VPC.
    pub vpc_id: Option<String>,
}

impl Resource for SecurityGroup {
    type Attributes = Attributes;

    const META: Meta =
        Meta::regional("AWS::EC2::SecurityGroup").named("GroupName", 255).taggable().takes(2);

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        if desired.text("GroupName").is_some_and(|name| name.starts_with("sg-")) {
            faults.push(Fault::new("GroupName", "a name may not begin with 'sg-', as ids do"));
        }
        if desired.text("GroupDescription").is_some_and(str::is_empty) {
            faults.push(Fault::new("GroupDescription", "EC2 wants one: say what the group is for"));
        }
        let texts = ["GroupName", "GroupDescription"];
        faults.extend(texts.iter().filter_map(|name| text_fault(desired.0, name)));
        for (property, peers) in
            [("SecurityGroupIngress", SOURCES), ("SecurityGroupEgress", DESTINATIONS)]
        {
            faults.extend(rules_faults(&desired.0[property], property, peers));
        }
        faults
    }

    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let request = cx.ec2().describe_security_groups().set_filters(owned(cx));
        let own = find_owned(cx, || async {
            let answer =
                cx.observe("ec2:DescribeSecurityGroups", || request.clone().send()).await?;
            let mut found = answer.security_groups.unwrap_or_default().into_iter();
            let own = found.find(|group| is_own(group.tags.as_deref(), cx));
            Ok(own.and_then(|group| group.group_id))
        });
        match own.await? {
            Some(own) => Ok(Some(own)),
            None => self.namesake(cx).await,
        }
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let Some(group) = describe(id.as_str(), cx).await? else { return Ok(None) };
        let attributes = attributes(&group);
        Ok(Some(Live { id: id.clone(), properties: properties(group), attributes }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        match current {
            None => self.create(cx).await,
            Some(live) => {
                self.update(live, changes, cx).await?;
                Ok(live.attributes.clone())
            }
        }
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let id = recorded.id.as_str();
        let request = cx.ec2().delete_security_group().group_id(id);
        delete(Holder::Group(id), "ec2:DeleteSecurityGroup", cx, || request.clone().send()).await
    }
}

impl SecurityGroup {
    /// Finds the group that has this one's name in its VPC.
    async fn namesake(&self, cx: &Cx) -> Result<Option<Id>> {
        let (Some(name), Some(vpc)) = (&self.group_name, &self.vpc_id) else { return Ok(None) };
        let request = cx
            .ec2()
            .describe_security_groups()
            .filters(filter("group-name", &name.0))
            .filters(filter("vpc-id", &vpc.0));
        let answer = cx.observe("ec2:DescribeSecurityGroups", || request.clone().send()).await?;
        let mut found = answer.security_groups.unwrap_or_default().into_iter();
        Ok(found.next().and_then(|group| group.group_id).map(Id::from))
    }

    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let request = cx
            .ec2()
            .create_security_group()
            .group_name(self.group_name.as_deref().map_or("", String::as_str))
            .description(&self.group_description.0)
            .set_vpc_id(self.vpc_id.as_deref().cloned())
            .tag_specifications(tagged(ResourceType::SecurityGroup, self.tags.as_ref()));
        let answer = cx.create("ec2:CreateSecurityGroup", || request.clone().send()).await?;
        let Some(id) = answer.group_id else {
            return Err(Failure::local(Class::InDoubt, "EC2 did not say which group it created"));
        };
        cx.created(&Id::from(id.as_str()), json!({"GroupId": id, "Id": id})).await?;
        let made = seen(cx, || describe(&id, cx)).await?;
        let attributes = attributes(&made);
        let owner = made.owner_id.unwrap_or_default();
        bring(&id, Direction::In, &self.ingress(), &[], Vec::new(), cx).await?;
        if !self.egress().is_empty() {
            let mut given = Rule::received(made.ip_permissions_egress.as_deref(), &owner);
            // EC2 may show the group before it shows the rule.
            if !given.iter().any(|rule| rule.is(&Rule::everything())) {
                given.push(Rule::everything());
            }
            self.bring_egress(&id, &given, Vec::new(), cx).await?;
        }
        Ok(attributes)
    }

    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<()> {
        let id = live.id.as_str();
        if changes.has("SecurityGroupIngress") {
            let dropped = rules_of::<Ingress>(&before(changes, "SecurityGroupIngress"))?;
            let wanted = self.ingress();
            bring(id, Direction::In, &wanted, &live.properties.ingress(), dropped, cx).await?;
        }
        if changes.has("SecurityGroupEgress") {
            let dropped = rules_of::<Egress>(&before(changes, "SecurityGroupEgress"))?;
            self.bring_egress(id, &live.properties.egress(), dropped, cx).await?;
        }
        retag(id, self.tags.as_ref(), changes, cx).await
    }

    /// Brings what may go out to what is desired: EC2's own rule if nothing is,
    /// and without it if something is. It goes first, so that an interruption
    /// cannot leave it behind unseen.
    async fn bring_egress(
        &self,
        id: &str,
        live: &[Rule],
        dropped: Vec<Rule>,
        cx: &Cx,
    ) -> Result<()> {
        let mut wanted = self.egress();
        if wanted.is_empty() {
            wanted.push(Rule::everything());
        }
        let mut live = live.to_vec();
        // Where none of the wanted rules is there yet, nobody wants EC2's own.
        let is_new = |rule: &Rule| rule.is_everything() || !is_in(&live, rule);
        if dropped.is_empty() && wanted.iter().all(is_new) {
            let unwanted = |rule: &mut Rule| rule.is_everything() && !is_in(&wanted, rule);
            let given: Vec<_> = live.extract_if(.., unwanted).collect();
            revoke(id, Direction::Out, &given, cx).await?;
        }
        bring(id, Direction::Out, &wanted, &live, dropped, cx).await
    }

    fn rules(&self, direction: Direction) -> Vec<Rule> {
        match direction {
            Direction::In => self.ingress(),
            Direction::Out => self.egress(),
        }
    }

    fn ingress(&self) -> Vec<Rule> {
        self.security_group_ingress.iter().flat_map(|rules| rules.iter()).map(Rule::from).collect()
    }

    fn egress(&self) -> Vec<Rule> {
        self.security_group_egress.iter().flat_map(|rules| rules.iter()).map(Rule::from).collect()
    }
}

fn is_in(rules: &[Rule], rule: &Rule) -> bool {
    rules.iter().any(|other| other.is(rule))
}

/// Adds the rules that are wanted and not live, and removes those that were
/// dropped, in this order: what both allow is never cut off.
async fn bring(
    id: &str,
    direction: Direction,
    wanted: &[Rule],
    live: &[Rule],
    dropped: Vec<Rule>,
    cx: &Cx,
) -> Result<()> {
    let lacking = |in_live: &[Rule]| -> Vec<_> {
        wanted.iter().filter(|rule| !is_in(in_live, rule)).cloned().collect()
    };
    match authorize(id, direction, &lacking(live), None, cx).await {
        // An earlier attempt has added some of them.
        Err(failure) if failure.class == Class::Exists => {
            let now = describe(id, cx).await?.map(properties);
            let now = now.map(|group| group.rules(direction)).unwrap_or_default();
            authorize(id, direction, &lacking(&now), None, cx).await?;
        }
        answer => drop(answer?),
    }
    let described: Vec<_> =
        wanted.iter().filter(|rule| is_in(live, rule) && !live.contains(rule)).collect();
    if !described.is_empty() {
        describe_rules(id, direction, &described, cx).await?;
    }
    let removed: Vec<_> = dropped.into_iter().filter(|rule| !is_in(wanted, rule)).collect();
    revoke(id, direction, &removed, cx).await
}

/// Returns the items that a list of rules loses. A rule's text is its place in
/// the list, so every change is of a whole rule.
fn before(changes: &Changes, property: &str) -> Vec<Value> {
    let of_property = changes.0.iter().filter(|change| change.property() == property);
    of_property.map(|change| change.before.clone()).filter(|before| !before.is_null()).collect()
}

async fn describe(id: &str, cx: &Cx) -> Result<Option<Description>> {
    let request = cx.ec2().describe_security_groups().group_ids(id);
    let answer =
        cx.observe("ec2:DescribeSecurityGroups", || request.clone().send()).await.found()?;
    Ok(answer.and_then(|answer| answer.security_groups?.into_iter().next()))
}

fn attributes(group: &Description) -> Attributes {
    let id = group.group_id.clone().unwrap_or_default();
    Attributes { group_id: Early(id.clone()), id: Early(id), vpc_id: group.vpc_id.clone() }
}

fn properties(group: Description) -> SecurityGroup {
    let owner = group.owner_id.unwrap_or_default();
    let ingress = Rule::received(group.ip_permissions.as_deref(), &owner);
    let egress = Rule::received(group.ip_permissions_egress.as_deref(), &owner);
    SecurityGroup {
        group_description: Fixed(group.description.unwrap_or_default()),
        group_name: group.group_name.map(Fixed),
        vpc_id: group.vpc_id.map(Fixed),
        security_group_ingress: Some(Shared(ingress.into_iter().map(Ingress::from).collect())),
        security_group_egress: Some(Shared(egress.into_iter().map(Egress::from).collect())),
        tags: tags_of(group.tags.as_deref()),
    }
}
