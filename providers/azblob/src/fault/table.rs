//! Error codes and what they ask for.

use longhaul_core::error::ServerFaultKind::{Conflict, Denied, NotFound, Refused, Throttled, Unavailable};
use longhaul_core::provider::StepKind;

use super::Judgement;

/// What `code`, sent in answer to `step`, asks for. `None` for codes that are not known: the status decides.
#[must_use]
pub fn judge(code: &str, step: StepKind) -> Option<Judgement> {
    use Judgement::{Condition, Fatal, Refresh, Retry, Unknown};
    Some(match code {
        "ServerBusy" | "TooManyRequests" => Retry(Throttled, ""),
        "InternalError" | "OperationTimedOut" | "RequestTimeout" | "AccountBeingCreated" => Retry(Unavailable, ""),
        // The bytes were damaged on their way; they are sent once more.
        "Md5Mismatch" | "Crc64Mismatch" => Retry(Refused, "the content was damaged on its way"),

        "InvalidAuthenticationInfo" => {
            Fatal(Denied, "the service cannot read the signature: check account, key or SAS, and the clock")
        }
        "NoAuthenticationInformation" | "PublicAccessNotPermitted" => {
            Fatal(Denied, "the container is not public: give an account key or a SAS")
        }
        "KeyBasedAuthenticationNotPermitted" => {
            Fatal(Denied, "the account takes no Shared Key: give a user delegation SAS")
        }
        "AuthorizationFailure" => {
            Fatal(Denied, "access is denied: check the account's network rules, and what the SAS or role allows")
        }
        "AuthorizationPermissionMismatch" | "InsufficientAccountPermissions" => Fatal(Denied, allowance(step)),
        "AuthorizationResourceTypeMismatch" => Fatal(Denied, "the account SAS needs the resource type object (srt=o)"),
        "AuthorizationServiceMismatch" => Fatal(Denied, "the account SAS needs the service blob (ss=b)"),
        "AuthorizationProtocolMismatch" => Fatal(Denied, "the SAS allows https only"),
        "AuthorizationSourceIPMismatch" => Fatal(Denied, "the SAS is for another range of addresses (sip)"),
        "AccountIsDisabled" => Fatal(Denied, "the storage account is disabled"),
        "AccountRequiresHttps" => Fatal(Refused, "the account takes https only"),
        "InvalidKeyBasedAuthentication" | "ExpiredAuthenticationToken" => Refresh("get fresh credentials"),

        "ConditionNotMet" | "BlobAlreadyExists" | "TargetConditionNotMet" => Condition,
        "UnauthorizedBlobOverwrite" => {
            Fatal(Conflict, "the blob is there, and the SAS may create but not replace: let it allow write (w)")
        }

        // The blocks are in the blob already, or another writer's commit dropped them.
        "InvalidBlockList" if step == StepKind::Commit => {
            Unknown(NotFound, "the blocks are not there (any more): committed already, or dropped by another writer")
        }
        "InvalidBlobOrBlock" | "InvalidBlockId" if step == StepKind::PutPart => Fatal(
            Refused,
            "another client left uncommitted blocks with ids of another length: let it finish, store the blob in one request, or \
             wait a week",
        ),
        "BlockCountExceedsLimit" | "BlockListTooLong" => {
            Fatal(Refused, "the blob has more blocks than the service takes: use larger parts")
        }
        "RequestBodyTooLarge" => Fatal(Refused, "that is more than the service takes at once: use smaller parts"),
        "InvalidBlobType" => Fatal(Conflict, "an append or page blob of that name is there: use another name"),
        "BlobOperationNotSupported" => Fatal(Conflict, "the blob was made by the Data Lake API: use another name"),

        // Asked for while blocks go up or are committed, "not found" would mean that they are gone.
        "ContainerNotFound" | "ResourceNotFound" => {
            let kind = if matches!(step, StepKind::Probe | StepKind::GetRange) { NotFound } else { Refused };
            Fatal(kind, "there is no such container: check its name, the account and the endpoint")
        }
        "BlobNotFound" => Fatal(NotFound, "there is no such blob"),
        "ContainerBeingDeleted" => Fatal(Conflict, "the container is being deleted: wait, or use another"),
        "ContainerDisabled" => Fatal(Conflict, "the container is disabled"),

        "LeaseIdMissing" => Fatal(Conflict, "the blob is leased: give its lease as the header x-ms-lease-id"),
        "LeaseIdMismatchWithBlobOperation" => Fatal(Conflict, "the blob is leased to somebody else"),
        "LeaseLost" | "LeaseNotPresentWithBlobOperation" => {
            Fatal(Conflict, "the lease that was given has ended: acquire it anew, or leave it out")
        }
        "BlobArchived" => Fatal(Refused, "the blob is archived: rehydrate it first"),
        "BlobBeingRehydrated" => Fatal(Refused, "the blob is being rehydrated: wait until that is done"),
        "BlobImmutableDueToPolicy" | "BlobImmutableDueToLegalHold" => {
            Fatal(Conflict, "the blob must not be changed: a policy or legal hold protects it")
        }
        "PendingCopyOperation" => Fatal(Conflict, "a copy onto this blob is under way"),
        "BlobUsesCustomerSpecifiedEncryption" | "BlobCustomerSpecifiedEncryptionMismatch" => Fatal(
            Refused,
            "the blob is encrypted with a customer's key: give that key (x-ms-encryption-key and its kin)",
        ),
        "BlobDoesNotUseCustomerSpecifiedEncryption" => {
            Fatal(Refused, "the blob is not encrypted with a customer's key: give none")
        }
        "BlobTierInadequateForContentLength" | "InvalidBlobTier" | "BlobAccessTierNotSupportedForAccountType" => {
            Fatal(Refused, "the blob cannot have that access tier: give another x-ms-access-tier")
        }
        "InvalidMetadata" | "EmptyMetadataKey" => {
            Fatal(Refused, "names of metadata (x-ms-meta-…) are letters, digits and '_', and begin with no digit")
        }
        "MetadataTooLarge" => Fatal(Refused, "the metadata is larger than 8 KiB: send less"),
        "UnsupportedHeader" | "InvalidHeaderValue" | "InvalidTag" => Fatal(
            Refused,
            "a header field is not one this version of the service takes: check the fields and the rules",
        ),
        "InvalidResourceName" | "InvalidUri" => Fatal(Refused, "that is no name for a container or blob"),
        "InvalidMd5" | "InvalidCrc64" => {
            Fatal(Refused, "the service does not take this checksum: choose Integrity::Returned")
        }
        _ => return None,
    })
}

/// What a SAS or a role has to allow for a step.
pub(super) const fn allowance(step: StepKind) -> &'static str {
    match step {
        StepKind::Probe | StepKind::GetRange => {
            "access is denied: the SAS needs read (r), an identity the role Storage Blob Data Reader"
        }
        StepKind::Confirm | StepKind::ListParts => {
            "access is denied: resuming an upload, or a commit in doubt, needs read (r) besides create and write (cw)"
        }
        _ => {
            "access is denied: the SAS needs create and write (cw), tags (t) where some are set, an identity the role Storage Blob \
             Data Contributor"
        }
    }
}
