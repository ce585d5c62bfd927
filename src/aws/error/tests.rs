use super::*;

#[test]
fn one_meaning_in_many_spellings() {
    use Class::*;
    for (code, message, status, class) in [
        ("ThrottlingException", "Rate exceeded", 400, Throttled),
        (
            "InvalidParameterValueException",
            "The role defined for the function cannot be assumed by Lambda.",
            400,
            Propagating,
        ),
        (
            "ResourceConflictException",
            "The operation cannot be performed at this time. An update is in progress for resource: x",
            409,
            Conflicting,
        ),
        ("ResourceConflictException", "Function already exist: x", 409, Exists),
        ("ConflictException", "Method already exists for this resource", 409, Exists),
        (
            "ConflictException",
            "Unable to complete operation due to concurrent modification. Please try again later.",
            409,
            Conflicting,
        ),
        (
            "InvalidParameter",
            "Invalid parameter: Attributes Reason: Subscription already exists with different attributes",
            400,
            Exists,
        ),
        (
            "AccessDeniedException",
            "The state machine IAM Role is not authorized to access the Log Destination",
            400,
            Propagating,
        ),
        ("NoSuchEntity", "The role with name x cannot be found.", 404, Gone),
        ("ResourceInUseException", "Table already exists: x", 400, Exists),
        (
            "ResourceInUseException",
            "Attempt to change a resource which is still in use: Table is being updated: x",
            400,
            Conflicting,
        ),
        (
            "QueueDeletedRecently",
            "You must wait 60 seconds after deleting a queue",
            400,
            Conflicting,
        ),
        (
            "ExpiredTokenException",
            "The security token included in the request is expired",
            403,
            Credentials,
        ),
        ("KMSInvalidStateException", "arn:aws:kms:x is pending deletion.", 400, Gone),
        ("KMSInvalidStateException", "arn:aws:kms:x is creating.", 400, Conflicting),
        ("NotFound", "The subnet ID 'subnet-1' does not exist", 400, Gone),
        ("Duplicate", "the specified rule already exists", 400, Exists),
        (
            "DependencyViolation",
            "The subnet 'subnet-1' has dependencies and cannot be deleted.",
            400,
            Conflicting,
        ),
        ("ValidationError", "1 validation error detected", 400, Terminal),
        ("", "", 503, Transient),
    ] {
        assert_eq!(classify(code, message, status), class, "{code}: {message}");
    }
    assert_eq!(short_code("AWS.SimpleQueueService.NonExistentQueue"), "NonExistentQueue");
    assert_eq!(short_code("InvalidPermission.Duplicate"), "Duplicate");
    assert_eq!(short_code("com.amazonaws.sqs#QueueDoesNotExist"), "QueueDoesNotExist");
}
