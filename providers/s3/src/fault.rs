//! From an error code to what it asks for, with a remedy.
//!
//! Follows <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList>, and the codes of stores that speak
//! like it.

use longhaul_core::error::ServerFaultKind::{Conflict, Denied, NotFound, Refused, Throttled, Unavailable};
use longhaul_core::provider::StepKind;
use longhaul_store::fault::Errors;

pub use longhaul_store::fault::Judgement;

/// How S3 speaks of what went wrong.
pub(crate) const ERRORS: Errors =
    Errors { region: Some("x-amz-bucket-region"), second_id: Some("x-amz-id-2"), ..Errors::new(judge, allowance) };

/// What `code`, sent in answer to `step`, asks for. `None` for codes that are not known: the status decides.
#[must_use]
pub fn judge(code: &str, step: StepKind) -> Option<Judgement> {
    use Judgement::{Clock, Condition, Elsewhere, Fatal, Refresh, Retry, Unknown};
    Some(match code {
        "SlowDown"
        | "SlowDownRead"
        | "SlowDownWrite"
        | "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "RequestThrottled"
        | "TooManyRequests"
        | "TooManyRequestsException" => Retry(Throttled, ""),
        "InternalError"
        | "InternalFailure"
        | "InternalServerError"
        | "ServiceUnavailable"
        | "Busy"
        | "RequestTimeout"
        | "RequestTimeoutException" => Retry(Unavailable, ""),
        "OperationAborted" | "ConditionalRequestConflict" => Retry(Conflict, "another request changes the object"),
        // The bytes were damaged on their way; they are sent once more. Of a whole object made of parts they are not.
        "BadDigest" | "IncompleteBody" | "XAmzContentSHA256Mismatch" | "XAmzContentChecksumMismatch"
            if step != StepKind::Commit =>
        {
            Retry(Refused, "the content was damaged on its way")
        }
        // Amazon S3 says so of a checksum that it cannot read, which none of ours is; Garage of one that the content does not have.
        "InvalidDigest" if matches!(step, StepKind::PutPart | StepKind::PutWhole) => {
            Retry(Refused, "the content was damaged on its way, or the store takes no such checksum")
        }
        "BadDigest" | "XAmzContentChecksumMismatch" => {
            Fatal(Refused, "the object is not what was sent: cancel the upload and start it anew")
        }

        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "RequestExpired" => {
            Refresh("the session token has expired: get fresh credentials")
        }
        "InvalidToken" | "InvalidSecurity" => {
            Refresh("the session token is not one of this access key: give the token issued with it")
        }
        "InvalidAccessKeyId" => Refresh("the store does not know this access key: check its id, and the endpoint"),
        "SignatureDoesNotMatch" => Fatal(
            Denied,
            "the secret access key is not the one of this key id (or a proxy changed the request): check the secret",
        ),
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "NotSignedUp" => Fatal(Denied, allowance(step)),
        "MissingSecurityHeader" | "MissingAuthenticationToken" => {
            Fatal(Denied, "the store takes signed requests only: give an access key")
        }
        "RequestTimeTooSkewed" => Clock,
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "Redirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException"
        | "InvalidRegion" => Elsewhere,

        "PreconditionFailed" => Condition,
        "NoSuchUpload" if step == StepKind::Commit => Unknown(NotFound, "the upload is finished or gone"),
        "NoSuchUpload" => {
            Fatal(NotFound, "the upload is gone: it was finished, aborted or removed by a lifecycle rule")
        }
        // While parts go up, "not found" means their session; a bucket that is gone is another matter.
        "NoSuchBucket" => {
            let kind = if matches!(step, StepKind::PutPart | StepKind::ListParts) { Refused } else { NotFound };
            Fatal(kind, "there is no such bucket: check its name, region and endpoint")
        }
        "NoSuchKey" => Fatal(NotFound, ""),
        "NoSuchVersion" => Fatal(NotFound, "the object has no such version"),
        "InvalidObjectState" => Fatal(Refused, "the object is archived: restore it first"),
        "MethodNotAllowed" if step == StepKind::GetRange => Fatal(NotFound, "that version is a delete marker"),

        "EntityTooSmall" => {
            Fatal(Refused, "a part other than the last is smaller than the store allows: use larger parts")
        }
        "EntityTooLarge" | "MaxMessageLengthExceeded" => {
            Fatal(Refused, "that is more than the store takes at once: use smaller parts")
        }
        "InvalidPart" => Fatal(
            Refused,
            "the store does not have a part as it was sent (another client may write to the same upload): start it anew",
        ),
        "InvalidPartOrder" => Fatal(Refused, "the store counts parts in another order: report this as a bug"),
        "InvalidBucketName" => Fatal(Refused, "the bucket's name is not one for this store"),
        "KeyTooLongError" => Fatal(Refused, "the key is longer than 1,024 bytes"),
        "MetadataTooLarge" => Fatal(Refused, "the metadata is larger than 2 KB: send less"),
        "InvalidStorageClass" => Fatal(Refused, "the store has no such storage class"),
        "InvalidTag" => Fatal(Refused, "the tags are not of the form a=1&b=2, or too many"),
        "InvalidDigest" | "InvalidChecksum" => {
            Fatal(Refused, "the store does not take this kind of checksum: choose Integrity::Returned")
        }
        "NotImplemented" => Fatal(
            Refused,
            "the store does not do one of the things asked for: leave out checksums, conditions or special header fields",
        ),
        "QuotaExceeded" | "QuotaExceededException" | "XMinioStorageFull" => {
            Fatal(Refused, "the store, or its quota, is full")
        }
        "KMS.DisabledException" | "KMS.NotFoundException" | "KMS.InvalidStateException" => {
            Fatal(Refused, "the encryption key cannot be used: check it in KMS")
        }
        _ => return None,
    })
}

/// What a policy has to allow for a step.
const fn allowance(step: StepKind) -> &'static str {
    match step {
        StepKind::Probe | StepKind::GetRange | StepKind::Confirm => {
            "access is denied: allow s3:GetObject (and s3:ListBucket, to tell missing from forbidden)"
        }
        StepKind::ListParts => "access is denied: allow s3:ListMultipartUploadParts",
        StepKind::Abort => "access is denied: allow s3:AbortMultipartUpload",
        _ => {
            "access is denied: allow s3:PutObject (and the key's kms:GenerateDataKey, kms:Decrypt where it is encrypted)"
        }
    }
}
