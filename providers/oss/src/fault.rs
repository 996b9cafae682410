//! From an error code to what it asks for, with a remedy.
//!
//! Follows <https://www.alibabacloud.com/help/en/oss/support/error-handling-1>. The finer `EC` is shown, and decides nothing: Aliyun may change it.

use longhaul_core::error::ServerFaultKind::{Conflict, Denied, NotFound, Refused, Throttled, Unavailable};
use longhaul_core::provider::StepKind;
use longhaul_store::fault::Errors;

pub use longhaul_store::fault::Judgement;

/// How OSS speaks of what went wrong.
pub(crate) const ERRORS: Errors =
    Errors { body: Some("x-oss-err"), cause: Some("x-oss-ec"), ..Errors::new(judge, allowance) };

/// What `code`, sent in answer to `step`, asks for. `None` for codes that are not known: the status decides.
#[must_use]
pub fn judge(code: &str, step: StepKind) -> Option<Judgement> {
    use Judgement::{Clock, Condition, Elsewhere, Fatal, Refresh, Retry, Unknown};
    Some(match code {
        // QpsLimitExceeded, UploadTrafficRateLimitExceeded, IntranetDownloadTrafficRateLimitExceeded, …
        "RequestLimitExceeded" | "SlowDown" | "Throttling" | "TooManyRequests" => Retry(Throttled, ""),
        code if code.ends_with("QpsLimitExceeded") || code.ends_with("RateLimitExceeded") => Retry(Throttled, ""),
        "InternalError" | "ServiceUnavailable" | "ServerBusy" | "RequestTimeout" => Retry(Unavailable, ""),
        "OperationAborted" => Retry(Conflict, "another request changes the object"),
        // Said of what has another MD5 than the one that went along.
        "InvalidDigest" | "IncompleteBody" if step != StepKind::Commit => {
            Retry(Refused, "the content was damaged on its way")
        }

        "SecurityTokenExpired" | "ExpiredToken" => Refresh("the security token has expired: get fresh credentials"),
        "InvalidSecurityToken" | "AccessKeyIdAndSecurityTokenNotMatch" => {
            Refresh("the security token is not one of this access key: give the token issued with it")
        }
        "InvalidAccessKeyId" => Refresh(
            "OSS does not know this access key (or it is disabled, or a temporary one without its token): check its id",
        ),
        "SecurityTokenNotSupported" => {
            Fatal(Denied, "this access key is no temporary one: leave the security token out")
        }
        "SignatureDoesNotMatch" => Fatal(
            Denied,
            "the access key secret is not the one of this key id (or a proxy changed the request): check the secret",
        ),
        "AccessDenied" => Fatal(Denied, allowance(step)),
        "UserDisable"
        | "InDebt"
        | "InDebtOverdue"
        | "AbnormalBucketOwnerStatus"
        | "UbsmsInvalidBid"
        | "BucketDisable" => Fatal(Denied, "the account or the bucket is suspended: see its bills and messages"),
        "RequestTimeTooSkewed" => Clock,
        "InvalidArgument" => {
            Fatal(Refused, "one of the request's values is not one for OSS: check the region, then the header fields")
        }
        "SecondLevelDomainForbidden" => {
            Fatal(Refused, "the endpoint wants the bucket in its host: use virtual-hosted addressing")
        }
        "TemporaryRedirect" | "PermanentRedirect" => Elsewhere,

        "FileAlreadyExists" | "PreconditionFailed" => Condition,
        "FileImmutable" | "ObjectLocked" => {
            Fatal(Refused, "a retention policy keeps the object as it is: write to another key")
        }
        "PartAlreadyExist" => Fatal(
            Conflict,
            "the part is there already, and nothing tells that it is the one that was sent: cancel the upload and start it anew",
        ),
        "PartNotSequential" => Fatal(Refused, "the bucket takes parts in their order only: upload in one request"),

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

        // The object is there; what it did not bring about is the callback.
        "CallbackFailed" if step == StepKind::Commit => {
            Unknown(Refused, "the object was made, but the application's server did not answer the callback as it must")
        }
        "CallbackFailed" => {
            Fatal(Refused, "the object was made, but the application's server did not answer the callback as it must")
        }

        "EntityTooSmall" => Fatal(Refused, "a part other than the last is smaller than 100 KiB: use larger parts"),
        "EntityTooLarge" => Fatal(Refused, "that is more than OSS takes at once: use smaller parts"),
        "InvalidPart" | "FilePartNotExist" | "FilePartInterity" | "FilePartStale" => Fatal(
            Refused,
            "OSS does not have a part as it was sent (another client may write to the same upload): start it anew",
        ),
        "InvalidPartOrder" => Fatal(Refused, "OSS counts parts in another order: report this as a bug"),
        "InvalidBucketName" => Fatal(Refused, "the bucket's name is not one for OSS"),
        "InvalidObjectName" | "KeyTooLongError" => Fatal(
            Refused,
            "OSS does not take this key: it may have no more than 1,023 bytes, and not begin with / or \\",
        ),
        "InvalidEncryptionRequest" | "InvalidEncryptionAlgorithmError" => {
            Fatal(Refused, "x-oss-server-side-encryption is AES256, KMS or SM4")
        }
        "KmsServiceNotEnabled" => Fatal(Refused, "the encryption key cannot be used: enable KMS, and check the key"),
        "InvalidTag" => Fatal(Refused, "the tags are not of the form a=1&b=2, or more than ten"),
        "NotImplemented" => {
            Fatal(Refused, "the store does not do one of the things asked for: leave out special header fields")
        }
        _ => return None,
    })
}

/// What a policy has to allow for a step.
const fn allowance(step: StepKind) -> &'static str {
    match step {
        StepKind::Probe | StepKind::GetRange | StepKind::Confirm => {
            "access is denied: allow oss:GetObject (and oss:GetObjectVersion for a version)"
        }
        StepKind::ListParts => "access is denied: allow oss:ListParts",
        StepKind::Abort => "access is denied: allow oss:AbortMultipartUpload",
        _ => {
            "access is denied: allow oss:PutObject (oss:PutObjectTagging for tags; kms:GenerateDataKey and kms:Decrypt for a KMS key)"
        }
    }
}
