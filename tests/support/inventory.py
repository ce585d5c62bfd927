"""Lists what an account holds, independently of payctl: with boto3, service by
service, in the regions that are named, or in all that AWS has.

    python inventory.py ENDPOINT ACCOUNT [REGION...]

Prints a JSON object with two lists. `found` has what exists and would cost or
block something; `pending` the KMS keys that wait for their deletion, which AWS
takes seven days for. What AWS itself puts into every account is left out.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config


class Account:
    """Clients of one account, and what was found with them."""

    def __init__(self, endpoint, account):
        self.endpoint = endpoint
        self.session = boto3.Session(aws_access_key_id=account, aws_secret_access_key="test")

    def client(self, service, region):
        """Returns a client that tries each call once."""
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        return self.session.client(
            service, region_name=region, endpoint_url=self.endpoint, config=config
        )


def pages(client, operation, key, **arguments):
    """Yields the items of every page of a listing."""
    if client.can_paginate(operation):
        for page in client.get_paginator(operation).paginate(**arguments):
            yield from page.get(key, [])
    else:
        yield from getattr(client, operation)(**arguments).get(key, [])


def names(client, operation, key, name, **arguments):
    """Yields one member of every item of a listing; of text, the item itself."""
    for item in pages(client, operation, key, **arguments):
        yield item if name is None else item[name]


def apigateway(client):
    for api in names(client, "get_rest_apis", "items", "id"):
        yield "api", api
        for deployment in names(client, "get_deployments", "items", "id", restApiId=api):
            yield "api deployment", f"{api} {deployment}"
        for stage in client.get_stages(restApiId=api)["item"]:
            yield "api stage", f"{api} {stage['stageName']}"
    for domain in names(client, "get_domain_names", "items", "domainName"):
        yield "api domain", domain
    for key in names(client, "get_api_keys", "items", "id"):
        yield "api key", key
    for plan in names(client, "get_usage_plans", "items", "id"):
        yield "usage plan", plan


def cloudwatch(client):
    for alarm in names(client, "describe_alarms", "MetricAlarms", "AlarmName"):
        yield "alarm", alarm
    for dashboard in names(client, "list_dashboards", "DashboardEntries", "DashboardName"):
        yield "dashboard", dashboard


def dynamodb(client):
    for table in names(client, "list_tables", "TableNames", None):
        yield "table", table
    for backup in names(client, "list_backups", "BackupSummaries", "BackupArn"):
        yield "backup", backup


def ec2(client):
    given = set()
    for vpc in pages(client, "describe_vpcs", "Vpcs"):
        if vpc["IsDefault"]:
            given.add(vpc["VpcId"])
        else:
            yield "vpc", vpc["VpcId"]
    for subnet in pages(client, "describe_subnets", "Subnets"):
        if not subnet["DefaultForAz"]:
            yield "subnet", subnet["SubnetId"]
    for table in pages(client, "describe_route_tables", "RouteTables"):
        # A network brings one of its own, and takes it along.
        if not any(association.get("Main") for association in table["Associations"]):
            yield "route table", table["RouteTableId"]
    for group in pages(client, "describe_security_groups", "SecurityGroups"):
        if group["GroupName"] != "default":
            yield "security group", group["GroupId"]
    for endpoint in pages(client, "describe_vpc_endpoints", "VpcEndpoints"):
        if endpoint["State"] != "deleted":
            yield "endpoint", endpoint["VpcEndpointId"]
    for gateway in pages(client, "describe_internet_gateways", "InternetGateways"):
        if given.isdisjoint(attachment["VpcId"] for attachment in gateway["Attachments"]):
            yield "internet gateway", gateway["InternetGatewayId"]
    for gateway in pages(client, "describe_nat_gateways", "NatGateways"):
        if gateway["State"] != "deleted":
            yield "nat gateway", gateway["NatGatewayId"]
    for address in names(client, "describe_addresses", "Addresses", "PublicIp"):
        yield "address", address
    for interface in names(
        client, "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"
    ):
        yield "network interface", interface


def events(client):
    for bus in names(client, "list_event_buses", "EventBuses", "Name"):
        if bus != "default":
            yield "event bus", bus
        for rule in names(client, "list_rules", "Rules", "Name", EventBusName=bus):
            yield "rule", f"{bus} {rule}"
    bus = client.describe_event_bus()
    if bus.get("Policy"):
        yield "event bus policy", bus["Name"]


def iam(client):
    for role in names(client, "list_roles", "Roles", "RoleName"):
        yield "role", role
    for policy in names(client, "list_policies", "Policies", "Arn", Scope="Local"):
        yield "policy", policy
    for profile in names(
        client, "list_instance_profiles", "InstanceProfiles", "InstanceProfileName"
    ):
        yield "instance profile", profile


def kms(client):
    for key in names(client, "list_keys", "Keys", "KeyId"):
        metadata = client.describe_key(KeyId=key)["KeyMetadata"]
        if metadata["KeyManager"] != "CUSTOMER":
            continue
        is_pending = metadata["KeyState"] == "PendingDeletion"
        yield "pending" if is_pending else "key", key
    for alias in names(client, "list_aliases", "Aliases", "AliasName"):
        if not alias.startswith("alias/aws/"):
            yield "alias", alias


def functions(client):
    for function in names(client, "list_functions", "Functions", "FunctionName"):
        yield "function", function
    for mapping in names(client, "list_event_source_mappings", "EventSourceMappings", "UUID"):
        yield "event source mapping", mapping
    for layer in names(client, "list_layers", "Layers", "LayerName"):
        yield "layer", layer


def logs(client):
    for group in names(client, "describe_log_groups", "logGroups", "logGroupName"):
        yield "log group", group
    for policy in names(client, "describe_resource_policies", "resourcePolicies", "policyName"):
        yield "log policy", policy


def route53(client):
    for zone in pages(client, "list_hosted_zones", "HostedZones"):
        yield "zone", zone["Name"]
        records = pages(
            client, "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone["Id"]
        )
        for record in records:
            if record["Type"] not in ("NS", "SOA"):
                words = [record["Name"], record["Type"], record.get("SetIdentifier", "")]
                yield "record", " ".join(words).strip()
    for check in names(client, "list_health_checks", "HealthChecks", "Id"):
        yield "health check", check


def s3(client):
    for bucket in client.list_buckets()["Buckets"]:
        place = client.get_bucket_location(Bucket=bucket["Name"])["LocationConstraint"]
        if (place or "us-east-1") == client.meta.region_name:
            yield "bucket", bucket["Name"]


def secrets(client):
    for secret in names(client, "list_secrets", "SecretList", "Name", IncludePlannedDeletion=True):
        yield "secret", secret


def sns(client):
    for topic in names(client, "list_topics", "Topics", "TopicArn"):
        yield "topic", topic
    for item in pages(client, "list_subscriptions", "Subscriptions"):
        yield "subscription", f"{item['TopicArn']} {item['Endpoint']}"


def sqs(client):
    for queue in names(client, "list_queues", "QueueUrls", None):
        yield "queue", queue.rsplit("/", 1)[1]


def ssm(client):
    for parameter in names(client, "describe_parameters", "Parameters", "Name"):
        yield "parameter", parameter


def stepfunctions(client):
    for machine in names(client, "list_state_machines", "stateMachines", "name"):
        yield "state machine", machine
    for activity in names(client, "list_activities", "activities", "name"):
        yield "activity", activity


GLOBAL = {"iam": iam, "route53": route53}

REGIONAL = {
    "apigateway": apigateway,
    "cloudwatch": cloudwatch,
    "dynamodb": dynamodb,
    "ec2": ec2,
    "events": events,
    "kms": kms,
    "lambda": functions,
    "logs": logs,
    "s3": s3,
    "secretsmanager": secrets,
    "sns": sns,
    "sqs": sqs,
    "ssm": ssm,
    "stepfunctions": stepfunctions,
}


def inventory(account, regions):
    """Returns what exists and which keys wait for their deletion."""
    found, pending = [], []

    def look(place, service, region, lister):
        return [(place, *item) for item in lister(account.client(service, region))]

    looks = [("global", service, regions[0], lister) for service, lister in GLOBAL.items()]
    looks += [
        (region, service, region, lister)
        for region in regions
        for service, lister in REGIONAL.items()
    ]
    with ThreadPoolExecutor(4) as pool:
        for items in pool.map(lambda arguments: look(*arguments), looks):
            for place, kind, name in items:
                target = pending if kind == "pending" else found
                target.append({"place": place, "kind": kind, "name": name})
    return {"found": found, "pending": pending}


def main():
    endpoint, name, *regions = sys.argv[1:]
    account = Account(endpoint, name)
    regions = regions or account.session.get_available_regions("sqs")
    print(json.dumps(inventory(account, regions)))


if __name__ == "__main__":
    main()
