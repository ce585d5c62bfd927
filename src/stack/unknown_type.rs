//! What to say of a type that payctl does not know.

use crate::diagnostic::{Diagnostic, Span, nearest};

/// Services whose types people use with CloudFormation: of a type of theirs
/// one can say that it exists.
const SERVICES: &[&str] = &[
    "ACMPCA",
    "AmazonMQ",
    "Amplify",
    "ApiGateway",
    "ApiGatewayV2",
    "AppConfig",
    "AppRunner",
    "AppSync",
    "ApplicationAutoScaling",
    "Athena",
    "AutoScaling",
    "Backup",
    "Batch",
    "Bedrock",
    "Budgets",
    "CertificateManager",
    "Chatbot",
    "Cloud9",
    "CloudFormation",
    "CloudFront",
    "CloudTrail",
    "CloudWatch",
    "CodeArtifact",
    "CodeBuild",
    "CodeCommit",
    "CodeDeploy",
    "CodePipeline",
    "Cognito",
    "Config",
    "DAX",
    "DMS",
    "DocDB",
    "DynamoDB",
    "EC2",
    "ECR",
    "ECS",
    "EFS",
    "EKS",
    "EMR",
    "ElastiCache",
    "ElasticBeanstalk",
    "ElasticLoadBalancing",
    "ElasticLoadBalancingV2",
    "Elasticsearch",
    "EventSchemas",
    "Events",
    "FSx",
    "FIS",
    "GlobalAccelerator",
    "Glue",
    "GuardDuty",
    "IAM",
    "ImageBuilder",
    "Inspector",
    "IoT",
    "KMS",
    "Kinesis",
    "KinesisAnalyticsV2",
    "KinesisFirehose",
    "LakeFormation",
    "Lambda",
    "Location",
    "Logs",
    "MSK",
    "MediaConvert",
    "MemoryDB",
    "Neptune",
    "NetworkFirewall",
    "OpenSearchServerless",
    "OpenSearchService",
    "Organizations",
    "Pinpoint",
    "Pipes",
    "QuickSight",
    "RAM",
    "RDS",
    "Redshift",
    "RedshiftServerless",
    "ResourceGroups",
    "Route53",
    "Route53Resolver",
    "S3",
    "S3Tables",
    "SES",
    "SNS",
    "SQS",
    "SSM",
    "SSO",
    "SageMaker",
    "Scheduler",
    "SecretsManager",
    "SecurityHub",
    "Serverless",
    "ServiceCatalog",
    "ServiceDiscovery",
    "Shield",
    "StepFunctions",
    "Synthetics",
    "Timestream",
    "Transfer",
    "VpcLattice",
    "WAFv2",
    "WorkSpaces",
    "XRay",
];

/// An unknown type: a mistyped one, one of AWS that payctl does not have, or
/// none at all.
pub(super) fn unknown_type<'a>(
    name: &str,
    span: Span,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let service = name.strip_prefix("AWS::").and_then(|rest| rest.split_once("::"));
    let problem = match service {
        Some((service, _)) if SERVICES.contains(&service) => {
            let of_service: Vec<_> =
                known.clone().filter(|known| known.split("::").nth(1) == Some(service)).collect();
            let problem = Diagnostic::at(span, format!("payctl does not support `{name}`"));
            if of_service.is_empty() {
                problem.help("`payctl schema` lists the types that it supports")
            } else {
                problem.help(format!("of {service} it supports {}", of_service.join(", ")))
            }
        }
        _ => Diagnostic::at(span, format!("unknown type `{name}`"))
            .help("`payctl schema` lists the types"),
    };
    match nearest(name, known) {
        Some(near) => Diagnostic::at(span, format!("unknown type `{name}`"))
            .help(format!("did you mean `{near}`?")),
        None => problem,
    }
}
