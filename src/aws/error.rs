//! What AWS's errors mean for an orchestrator, in one place.
//!
//! Every failure of a call has a [`Class`], and the class alone decides what
//! happens next. Services spell one meaning in many ways; the tables here are
//! from their API references.

use aws_smithy_runtime_api::client::result::{DispatchFailure, SdkError};
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::error::operation::BuildError;
use aws_types::request_id::RequestId as _;
use serde::{Deserialize, Serialize};
use std::error::Error as StdError;
use std::fmt;

/// What a failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Too many calls: slow down and repeat.
    Throttled,
    /// A principal or resource is not known everywhere yet: repeat soon.
    Propagating,
    /// AWS is still busy with the resource: repeat.
    Conflicting,
    /// AWS or the network failed: repeat a few times.
    Transient,
    /// The region does not answer at all.
    Unreachable,
    /// The thing does not exist.
    Gone,
    /// A thing of that name exists already.
    Exists,
    /// The answer to a call that must not be repeated blindly was lost.
    InDoubt,
    /// The credentials are missing, wrong or expired.
    Credentials,
    /// The caller may not do this.
    Denied,
    /// The user asked to stop.
    Interrupted,
    /// Repeating cannot help.
    Terminal,
}

impl Class {
    /// Whether repeating the same call can help.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::Throttled | Self::Propagating | Self::Conflicting | Self::Transient)
    }
}

/// A failed call, or a kind's own refusal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What it means.
    pub class: Class,
    /// `sqs:CreateQueue`; empty when no call was made.
    pub operation: String,
    /// AWS's error code.
    pub code: Option<String>,
    /// AWS's own words, or ours.
    pub message: String,
    /// The HTTP status.
    pub status: Option<u16>,
    /// AWS's id of the request, which its support asks for.
    pub request_id: Option<String>,
}

impl Failure {
    /// Returns a failure that payctl itself found.
    pub fn local(class: Class, message: impl Into<String>) -> Self {
        Self {
            class,
            operation: String::new(),
            code: None,
            message: message.into(),
            status: None,
            request_id: None,
        }
    }

    /// Returns a refusal: the request cannot work, and repeating cannot help.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::local(Class::Terminal, message)
    }

    /// Returns the failure of one entry of an answer that is good otherwise,
    /// as batch operations list them.
    pub fn of_entry(code: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let mut failure = Self::local(classify(code, &message, 400), message);
        failure.code = Some(code.to_owned());
        failure
    }

    /// Whether AWS's code is one of `codes`.
    pub fn is_code(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }

    /// Whether the call got no answer at all, which says nothing of what it
    /// did.
    pub fn is_unanswered(&self) -> bool {
        matches!(self.class, Class::Transient | Class::Unreachable) && self.status.is_none()
    }

    /// Returns the same failure under another class.
    #[must_use]
    pub fn with_class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    /// Returns the same failure of a named operation.
    #[must_use]
    pub fn of(mut self, operation: &str) -> Self {
        operation.clone_into(&mut self.operation);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.operation.is_empty() {
            write!(f, "{}: ", self.operation)?;
        }
        if let Some(code) = &self.code {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

impl StdError for Failure {}

impl<E> From<SdkError<E, Response>> for Failure
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    fn from(error: SdkError<E, Response>) -> Self {
        let mut failure = Self::local(Class::Terminal, String::new());
        failure.request_id = error.request_id().map(str::to_owned);
        match &error {
            SdkError::ServiceError(context) => {
                let status = context.raw().status().as_u16();
                failure.status = Some(status);
                failure.code = context.err().code().map(short_code).map(str::to_owned);
                failure.message =
                    context.err().message().map_or_else(|| chain(context.err()), str::to_owned);
                failure.class =
                    classify(failure.code.as_deref().unwrap_or_default(), &failure.message, status);
            }
            SdkError::DispatchFailure(dispatch) => {
                failure.message = chain(&error);
                failure.class = dispatch_class(dispatch, &failure.message);
            }
            SdkError::ResponseError(context) => {
                failure.status = Some(context.raw().status().as_u16());
                failure.message = chain(&error);
                failure.class = Class::Transient;
            }
            SdkError::TimeoutError(_) => {
                failure.message = "no answer in time".to_owned();
                failure.class = Class::Transient;
            }
            _ => failure.message = chain(&error),
        }
        failure
    }
}

impl From<BuildError> for Failure {
    /// A request lacks what the SDK's model requires, so it was never sent.
    fn from(error: BuildError) -> Self {
        Self::refused(format!("the request is incomplete: {error}"))
    }
}

fn dispatch_class(failure: &DispatchFailure, message: &str) -> Class {
    if message.contains("credential") || message.contains("identity") {
        return Class::Credentials;
    }
    // A connection that was never made has sent nothing.
    let refused = ["refused", "dns error", "failed to lookup", "unreachable", "connect timeout"];
    if failure.is_user() {
        Class::Terminal
    } else if refused.iter().any(|word| message.to_lowercase().contains(word)) {
        Class::Unreachable
    } else {
        Class::Transient
    }
}

/// What stands for the SDK's list of all the places where it looked.
const NO_CREDENTIALS: &str =
    "no credentials in the environment, the profile files or this machine's role";

/// What the SDK says of its own layers, which tells the user nothing.
const LAYERS: &[&str] = &[
    "dispatch failure",
    "other",
    "io error",
    "client error (Connect)",
    "client error (SendRequest)",
    "connection error",
    "the credential provider was not enabled",
];

/// Returns an error and its causes in one line, each once.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let words = error.to_string();
        let words = match words.starts_with("no credentials found in chain") {
            true => NO_CREDENTIALS,
            false => words.as_str(),
        };
        if !LAYERS.contains(&words) && !text.contains(words) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(words);
        }
        next = error.source();
    }
    if text.is_empty() { error.to_string() } else { text }
}

/// Query services write `AWS.SimpleQueueService.NonExistentQueue`, JSON ones
/// `com.amazonaws.sqs#QueueDoesNotExist`.
fn short_code(code: &str) -> &str {
    code.rsplit(['#', '.']).next().unwrap_or(code)
}

const THROTTLED: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "KmsThrottlingException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttled",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

const CONFLICTING: &[&str] = &[
    "AWSServiceUnavailable",
    "ConcurrentAccess",
    "ConcurrentAccessException",
    "ConcurrentModification",
    "ConcurrentModificationException",
    "ConflictException",
    "ContinuousBackupsUnavailableException",
    "DeleteConflict",
    "DeleteConflictException",
    "DependencyViolation",
    "EntityTemporarilyUnmodifiable",
    "EntityTemporarilyUnmodifiableException",
    "IncorrectInstanceState",
    "IncorrectState",
    "KMSInvalidStateException",
    "OperationAborted",
    "OperationAbortedException",
    "QueueDeletedRecently",
    "ReplicatedWriteConflictException",
    "ResourceInUseException",
    "StaleTag",
    "StaleTagException",
    "StateMachineDeleting",
    "TableInUseException",
    "TooManyUpdates",
    "TransactionInProgressException",
    "WAFUnavailableEntityException",
];

const TRANSIENT: &[&str] = &[
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "InternalServiceError",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceException",
    "ServiceFailure",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "KMSInternalException",
    "DependencyTimeoutException",
];

const GONE: &[&str] = &[
    "DashboardNotFoundError",
    "NatGatewayNotFound",
    "NoSuchBucket",
    "NoSuchBucketPolicy",
    "NoSuchEntity",
    "NoSuchEntityException",
    "NoSuchHealthCheck",
    "NoSuchHostedZone",
    "NoSuchQueryLoggingConfig",
    "NonExistentQueue",
    "NotAttached",
    "NotFound",
    "NotFoundException",
    "ParameterNotFound",
    "PolicyNotFoundException",
    "ProvisionedConcurrencyConfigNotFoundException",
    "QueueDoesNotExist",
    "ResourceNotFound",
    "ResourceNotFoundException",
    "StateMachineDoesNotExist",
    "TableNotFoundException",
    "VPCAssociationNotFound",
    "WAFNonexistentItemException",
];

const EXISTS: &[&str] = &[
    "AlreadyAssociated",
    "AlreadyExistsException",
    "BucketAlreadyExists",
    "BucketAlreadyOwnedByYou",
    "Duplicate",
    "EntityAlreadyExists",
    "EntityAlreadyExistsException",
    "HealthCheckAlreadyExists",
    "HostedZoneAlreadyExists",
    "ParameterAlreadyExists",
    "QueueAlreadyExists",
    "QueueNameExists",
    "ResourceAlreadyExistsException",
    "ResourceConflictException",
    "ResourceExistsException",
    "RouteAlreadyExists",
    "StateMachineAlreadyExists",
    "TableAlreadyExistsException",
    "TopicAlreadyExists",
];

const CREDENTIALS: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "KmsAccessDeniedException",
    "UnauthorizedOperation",
    "NotAuthorized",
];

/// What services say while a new role, policy or key is not known everywhere.
const PROPAGATING: &[&str] = &[
    "cannot be assumed by lambda",
    "execution role does not have permissions",
    "authorized to assume the provided role",
    "cannot be assumed by principal",
    "is not authorized to create managed-rule",
    "principalnotfound",
    "invalid value for the parameter policy",
    "invalid principal in policy",
    "one or more invalid principals",
    "is not a valid role to allow sns",
    "could not deliver test message",
    "not authorized to access the log destination",
    "please ensure the role can perform",
    "role arn does not exist",
    "the role defined for the function",
    "access denied for logdestination",
    "destination bucket must have versioning enabled",
    "unable to validate the following destination configurations",
    "versioning must be 'enabled' on the bucket",
    "the provided execution role",
    "lambda was unable to configure access",
    "does not exist or is not allowed to be used with arn",
    "role arn does not have required permissions",
];

/// What services say while they are busy, under codes that mean other things
/// too.
const BUSY: &[&str] = &[
    "an update is in progress",
    "concurrent update operation",
    "the operation cannot be performed at this time",
    "currently in the following state: pending",
    "is currently in the following state",
    "unable to complete operation due to concurrent modification",
    "a conflicting conditional operation is currently in progress",
    "table is being",
    "another operation is in progress",
    "is being created",
    "is being deleted",
    "is being updated",
    "since it has targets",
    "you must wait 60 seconds",
];

/// What services say of a name that is taken, under codes that mean other
/// things too.
const TAKEN: &[&str] = &[
    "already exists for this",
    "already exists with different",
    "another resource with the same parent already has this name",
    "but it already exists",
    "integration response with selection pattern",
    "stage already exists",
    "the domain name you provided already exists",
];

/// Returns what an error answer means.
pub fn classify(code: &str, message: &str, status: u16) -> Class {
    let words = message.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    if THROTTLED.contains(&code) || words.contains("rate exceeded") {
        Class::Throttled
    } else if says(PROPAGATING) {
        Class::Propagating
    } else if says(BUSY) || (code == "LimitExceededException" && words.contains("simultaneous")) {
        Class::Conflicting
    } else if code == "KMSInvalidStateException" && words.contains("deletion") {
        // A key that is pending deletion will never be there again.
        Class::Gone
    } else if CREDENTIALS.contains(&code) {
        Class::Credentials
    } else if EXISTS.contains(&code)
        || says(TAKEN)
        // DynamoDB says that a table is busy and that it exists by one code.
        || (code == "ResourceInUseException" && words.contains("already exists"))
    {
        Class::Exists
    } else if GONE.contains(&code) {
        Class::Gone
    } else if CONFLICTING.contains(&code) {
        Class::Conflicting
    } else if DENIED.contains(&code) {
        Class::Denied
    } else if TRANSIENT.contains(&code) || matches!(status, 500 | 502 | 503 | 504) {
        Class::Transient
    } else if status == 404 && code.is_empty() {
        Class::Gone
    } else if status == 429 {
        Class::Throttled
    } else {
        Class::Terminal
    }
}

#[cfg(test)]
mod tests;
