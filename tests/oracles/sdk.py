#!/usr/bin/env python3
"""What a store holds and grants, told by its vendor's own SDK: the judge that shares no code with longhaul.

  stores.sh sdk NAME ENDPOINT [BUCKET [REGION [KEY [SECRET]]]]      NAME: azurite | oss | moto | garage (any S3) | s3s

One JSON question a line on standard input, one JSON answer a line on standard output; ends when the input does.

  {"do": "look", "key": K}                        {"size", "sha256"} of the object, or null
  {"do": "put", "key": K, "file": F, "part": N}   an object made by the SDK, in parts when it is larger than one
  {"do": "open", "key": K}                        parts or blocks that wait in uploads which nobody completed
  {"do": "plan", "key": K, "size": N, "part": N}  opens an upload and issues a plan for it (docs/presigned.md); with "upload": U for one that
                                                  is open, with "only": [N…] for these parts
  {"do": "link", "key": K, "size": N}             a plan for a download
  {"do": "form", "key": K}                        the URL of one plain PUT, and the fields that go with it
  {"do": "version", "key": K}                     the id of the newest version (S3); without a key: versions are kept from now on
"""
import base64
import datetime
import hashlib
import json
import os
import sys
import time

# What is signed is good for so long, unless a question says "seconds": N.
HOUR = 3600


def pieces(file, size):
    with open(file, "rb") as source:
        while piece := source.read(size):
            yield piece


def whole(file):
    with open(file, "rb") as source:
        return source.read()


class Azure:
    def __init__(self, endpoint, bucket, _region, account, secret):
        from azure.core.exceptions import ResourceExistsError
        from azure.storage import blob

        self.blob, self.account, self.secret, self.bucket = blob, account, secret, bucket
        service = blob.BlobServiceClient(
            f"{endpoint}/{account}", {"account_name": account, "account_key": secret}, api_version="2025-11-05", retry_total=1
        )
        self.container = service.get_container_client(bucket)
        try:
            self.container.create_container()
        except ResourceExistsError:
            pass

    def read(self, key):
        from azure.core.exceptions import ResourceNotFoundError

        try:
            return self.container.get_blob_client(key).download_blob(max_concurrency=1).chunks()
        except ResourceNotFoundError:
            return None

    def put(self, key, file, part):
        client = self.container.get_blob_client(key)
        names = []
        for number, piece in enumerate(pieces(file, part)):
            names.append(f"{number:08}")
            client.stage_block(names[-1], piece, validate_content=True)
        client.commit_block_list([self.blob.BlobBlock(name) for name in names])

    def open(self, key):
        for there in self.container.list_blobs(name_starts_with=key, include=["uncommittedblobs"]):
            if there.name == key:
                return len(self.container.get_blob_client(key).get_block_list("uncommitted")[1])
        return 0

    def url(self, key, may, query=""):
        expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.seconds)
        token = self.blob.generate_blob_sas(
            self.account, self.bucket, key, account_key=self.secret, permission=may, expiry=expiry
        )
        return f"{self.container.get_blob_client(key).url}?{token}{query}"

    def plan(self, key, numbers, _upload):
        names = {number: base64.b64encode(f"{number:08}".encode()).decode() for number in numbers}
        parts = {
            number: {"url": self.url(key, "cw", f"&comp=block&blockid={name.replace('=', '%3D')}"), "provider_part_id": name}
            for number, name in names.items()
        }
        complete = {"method": "PUT", "url": self.url(key, "cw", "&comp=blocklist"), "body": "azure_block_list"}
        return {"parts": parts, "tag": "none", "complete": complete}

    def link(self, key):
        return self.url(key, "r")

    def form(self, key):
        return {"url": self.url(key, "cw"), "headers": {"x-ms-blob-type": "BlockBlob"}}


class S3:
    def __init__(self, endpoint, bucket, region, key, secret):
        import boto3
        from botocore.config import Config

        config = Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 2})
        self.bucket = bucket
        self.client = boto3.client(
            "s3", endpoint_url=endpoint, region_name=region, aws_access_key_id=key, aws_secret_access_key=secret, config=config
        )
        try:
            self.client.head_bucket(Bucket=bucket)
        except self.client.exceptions.ClientError:
            self.client.create_bucket(Bucket=bucket)

    def read(self, key):
        try:
            return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].iter_chunks(1 << 20)
        except self.client.exceptions.NoSuchKey:
            return None

    def put(self, key, file, part):
        from boto3.s3.transfer import TransferConfig

        config = TransferConfig(multipart_threshold=part + 1, multipart_chunksize=part, max_concurrency=1)
        self.client.upload_file(file, self.bucket, key, Config=config)

    def open(self, key):
        # A filter on the client's side: some servers take no prefix with odd characters.
        uploads, more = [], {}
        while True:
            page = self.client.list_multipart_uploads(Bucket=self.bucket, **more)
            uploads += [upload["UploadId"] for upload in page.get("Uploads", []) if upload["Key"] == key]
            if not page.get("IsTruncated"):
                return len(uploads)
            more = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    def url(self, call, key, **more):
        return self.client.generate_presigned_url(call, {"Bucket": self.bucket, "Key": key, **more}, self.seconds)

    def plan(self, key, numbers, upload):
        upload = upload or self.client.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"]
        parts = {number: {"url": self.url("upload_part", key, UploadId=upload, PartNumber=number)} for number in numbers}
        complete = {"url": self.url("complete_multipart_upload", key, UploadId=upload), "body": "s3_xml"}
        abort = {"url": self.url("abort_multipart_upload", key, UploadId=upload)}
        return {"upload_id": upload, "parts": parts, "complete": complete, "abort": abort}

    def link(self, key):
        return self.url("get_object", key)

    def form(self, key):
        return {"url": self.url("put_object", key), "headers": {}}

    def version(self, key):
        if not key:
            self.client.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
            return None
        return self.client.head_object(Bucket=self.bucket, Key=key)["VersionId"]


class S3s(S3):
    """s3s-fs does not list what is open; its folder does, which the script links to by the server's port."""

    def __init__(self, endpoint, *given):
        super().__init__(endpoint, *given)
        self.folder = os.path.join(os.environ["LONGHAUL_ORACLES"], f"s3s-{endpoint.rsplit(':', 1)[1]}")

    def open(self, key):
        object_of_upload = f".object-{base64.urlsafe_b64encode(key.encode()).decode().rstrip('=')}.upload-"
        return sum(object_of_upload in name for name in os.listdir(self.folder))


class Oss:
    def __init__(self, endpoint, bucket, region, key, secret):
        import alibabacloud_oss_v2 as oss

        config = oss.config.load_default()
        config.credentials_provider = oss.credentials.StaticCredentialsProvider(key, secret)
        config.region, config.endpoint, config.use_path_style = region, endpoint, True
        self.oss, self.bucket, self.client = oss, bucket, oss.Client(config)

    def read(self, key):
        try:
            answer = self.client.get_object(self.oss.GetObjectRequest(bucket=self.bucket, key=key))
        except self.oss.exceptions.OperationError as error:
            if getattr(error.unwrap(), "status_code", 0) == 404:
                return None
            raise
        return answer.body.iter_bytes(block_size=1 << 20)

    def put(self, key, file, part):
        oss, name = self.oss, {"bucket": self.bucket, "key": key}
        content = whole(file)
        if len(content) <= part:
            self.client.put_object(oss.PutObjectRequest(**name, body=content))
            return
        upload = self.client.initiate_multipart_upload(oss.InitiateMultipartUploadRequest(**name)).upload_id
        parts = []
        for number, piece in enumerate(pieces(file, part), 1):
            request = oss.UploadPartRequest(**name, upload_id=upload, part_number=number, body=piece)
            parts.append(oss.UploadPart(part_number=number, etag=self.client.upload_part(request).etag))
        made = oss.CompleteMultipartUpload(parts=parts)
        self.client.complete_multipart_upload(
            oss.CompleteMultipartUploadRequest(**name, upload_id=upload, complete_multipart_upload=made)
        )

    def open(self, key):
        pages = self.client.list_multipart_uploads_paginator().iter_page(self.oss.ListMultipartUploadsRequest(bucket=self.bucket))
        return sum(upload.key == key for page in pages for upload in page.uploads or [])

    def url(self, request, key, **more):
        request = getattr(self.oss, request)(bucket=self.bucket, key=key, **more)
        return self.client.presign(request, expires=datetime.timedelta(seconds=self.seconds)).url

    def plan(self, key, numbers, upload):
        name = {"bucket": self.bucket, "key": key}
        upload = upload or self.client.initiate_multipart_upload(self.oss.InitiateMultipartUploadRequest(**name)).upload_id
        parts = {number: {"url": self.url("UploadPartRequest", key, upload_id=upload, part_number=number)} for number in numbers}
        complete = {"url": self.url("CompleteMultipartUploadRequest", key, upload_id=upload), "body": "s3_xml"}
        abort = {"url": self.url("AbortMultipartUploadRequest", key, upload_id=upload)}
        return {"upload_id": upload, "parts": parts, "complete": complete, "abort": abort}

    def link(self, key):
        return self.url("GetObjectRequest", key)

    def form(self, key):
        return {"url": self.url("PutObjectRequest", key), "headers": {}}


def answer(store, question):
    do, key = question["do"], question["key"]
    store.seconds = question.get("seconds", HOUR)
    if do == "look":
        content = store.read(key)
        if content is None:
            return None
        size, sha256 = 0, hashlib.sha256()
        for piece in content:
            size += len(piece)
            sha256.update(piece)
        return {"size": size, "sha256": sha256.hexdigest()}
    if do == "put":
        return store.put(key, question["file"], question["part"])
    if do == "open":
        return store.open(key)
    if do in ("form", "version"):
        return getattr(store, do)(key)
    until = int(time.time()) + store.seconds
    if do == "link":
        return {"url": store.link(key), "total_size": question["size"], "expires_at": until}
    if do == "plan":
        size, part = question["size"], question["part"]
        plan = store.plan(key, question.get("only", range(1, -(-size // part) + 1)), question.get("upload"))
        plan["parts"] = [
            {"number": number, "offset": (number - 1) * part, "size": min(part, size - (number - 1) * part), "expires_at": until} | grant
            for number, grant in plan["parts"].items()
        ]
        return plan | {"total_size": size, "part_size": part}
    raise ValueError(f"{do}: look, put, open, plan, link, form or version")


def main():
    known = {
        "azurite": (Azure, "", "devstoreaccount1", "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="),
        "oss": (Oss, "cn-hangzhou", "TESTAK", "TESTSK0123456789"),
        "moto": (S3, "us-east-1", "TESTAK", "TESTSK0123456789"),
        "s3s": (S3s, "us-east-1", "TESTAK", "TESTSK0123456789"),
        "garage": (S3, "garage", "GK000000000000000000000001", "0" * 61 + "abc"),
    }
    if not 3 <= len(sys.argv) <= 7 or sys.argv[1] not in known:
        sys.exit(__doc__)
    store, region, key, secret = known[sys.argv[1]]
    given = sys.argv[3:] + ["tbucket", region, key, secret][len(sys.argv) - 3 :]
    store = store(sys.argv[2], *given)
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            told = {"is": answer(store, json.loads(line))}
        except Exception as error:  # what went wrong is an answer too
            told = {"failed": f"{type(error).__name__}: {error}"[:600]}
        print(json.dumps(told), flush=True)


main()
