#!/usr/bin/env python3
"""OSS-like emulator on loopback. Every request's V4 signature (header or presigned query) is
recomputed with the OFFICIAL SDK's own signer (alibabacloud_oss_v2.signer.SignerV4); mismatches
are refused with SignatureDoesNotMatch plus the canonical request the server computed.

  server.py --port 9000 --data DIR [--cred AK:SK[:STSTOKEN]]... [--expired AK]... [--region cn-hangzhou]
                  [--bucket tbucket]... [--min-part 102400] [--max-skew 900] [--now 2025-01-02T03:04:05Z]
                  [--tls CERT KEY]

Addressing: path style (Host is an IP or 'localhost') or virtual hosted ('bucket.anything' where the
first label is an existing bucket).
Control plane (no auth): GET /_emu/{health,stats,log,uploads,objects}; POST/DELETE /_emu/faults;
POST /_emu/reset[?data=1]; POST /_emu/expect-idle.   See FAULTS below.
"""
import argparse, base64, datetime as dt, hashlib, ipaddress, json, os, random, re, shutil, signal, socket, ssl, sys
import threading, time, traceback, uuid
from collections import Counter, deque
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote, unquote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape
from alibabacloud_oss_v2.signer import SignerV4
from alibabacloud_oss_v2.types import HttpRequest, SigningContext
from alibabacloud_oss_v2.credentials import StaticCredentialsProvider
from alibabacloud_oss_v2.crc import Crc64

FAULTS = """A fault is a JSON object. Matching keys (all optional): op (e.g. "UploadPart"), key (regex), part (int),
method, times (how often it fires, default 1, -1 = for ever), skip (let the first N matches pass), prob (0..1).
action: "status" {status,code,headers{}}  | "delay" {ms}  | "drop" (close, nothing done)
 | "drop_after_read" {bytes} (read that much of the body, then RST)  | "drop_response" (do it all, then close without a reply)
 | "truncate" {bytes} (right Content-Length, close after n body bytes)  | "stall" {bytes, ms} (send n bytes, then sleep)
 | "rate" {bps} (response bytes/s)  | "read_rate" {bps} (request bytes/s)  | "corrupt" {offset} (flip one response byte)
 | "wrong_crc" (lie in x-oss-hash-crc64ecma)  | "wrong_etag"  | "ignore_range" (200 with the whole object)"""

CHUNK = 256 * 1024
SUBRES_OK_ANON = ()


class OssError(Exception):
    def __init__(self, status, code, msg, ec='0000-00000000', extra=None, headers=None):
        super().__init__(msg); self.status, self.code, self.msg, self.ec = status, code, msg, ec
        self.extra, self.headers = extra or {}, headers or {}


class Gone(Exception):
    """close the connection at once"""


class CapSigner(SignerV4):
    canon = ''
    def _calc_canonical_request(self, signing_ctx, additional_headers=None):
        self.canon = super()._calc_canonical_request(signing_ctx, additional_headers); return self.canon


def iso(t): return dt.datetime.fromtimestamp(t, dt.timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.000Z')
def enc(s): return quote(s, safe='')


class Store:
    """objects and uploads: metadata in memory, mirrored as JSON; bytes in files"""
    def __init__(self, root, buckets):
        self.root = root; self.lock = threading.RLock(); self.buckets = {}; self.uploads = {}
        for d in ('blobs', 'meta'): os.makedirs(f'{root}/{d}', exist_ok=True)
        try:
            s = json.load(open(f'{root}/meta/state.json')); self.buckets, self.uploads = s['buckets'], s['uploads']
            for u in self.uploads.values(): u['parts'] = {int(k): v for k, v in u['parts'].items()}
        except FileNotFoundError: pass
        for b in buckets: self.buckets.setdefault(b, {'created': time.time(), 'objects': {}})
        self.dirty = True; threading.Thread(target=self.saver, daemon=True).start()
    def save(self): self.dirty = True       # written by the saver thread (<= 0.3 s later) and on SIGTERM
    def flush(self):
        with self.lock:
            if not self.dirty: return
            self.dirty = False; js = json.dumps({'buckets': self.buckets, 'uploads': self.uploads})
        with open(f'{self.root}/meta/state.tmp', 'w') as f: f.write(js)
        os.replace(f'{self.root}/meta/state.tmp', f'{self.root}/meta/state.json')
    def saver(self):
        while True: time.sleep(0.3); self.flush()
    def blob(self): return f'{self.root}/blobs/{uuid.uuid4().hex}'
    def drop(self, segs):
        for p, _ in segs:
            try: os.unlink(p)
            except FileNotFoundError: pass
    def put(self, bucket, key, obj):
        with self.lock:
            old = self.buckets[bucket]['objects'].get(key); self.buckets[bucket]['objects'][key] = obj
            if old: self.drop(old['segs'])
            self.save()
    def reset(self):
        with self.lock:
            for b in self.buckets.values(): b['objects'] = {}
            self.uploads = {}; shutil.rmtree(f'{self.root}/blobs'); os.makedirs(f'{self.root}/blobs'); self.save()


class Server(ThreadingHTTPServer):
    daemon_threads = True; request_queue_size = 1024; allow_reuse_address = True
    def __init__(self, addr, a):
        super().__init__(addr, Handler); self.a = a; self.store = Store(a.data, a.bucket)
        self.creds = {}
        for c in a.cred:
            ak, sk, *tok = c.split(':', 2); self.creds[ak] = (sk, tok[0] if tok else None)
        self.flock = threading.Lock(); self.faults = []; self.reset_stats()
    def reset_stats(self):
        self.ops = Counter(); self.status = Counter(); self.active = 0; self.max_active = 0
        self.bytes_in = 0; self.bytes_out = 0; self.sigfail = 0; self.part_puts = Counter(); self.log = deque(maxlen=5000); self.conns = getattr(self, 'conns', 0)
        self.active_op = Counter(); self.max_active_op = Counter()
    def handle_error(self, request, client_address): pass
    def fault(self, op, key, part, method):
        with self.flock:
            for f in self.faults:
                if f.get('op') not in (None, op) or f.get('method') not in (None, method): continue
                if f.get('part') is not None and f['part'] != part: continue
                if f.get('key') and not re.search(f['key'], key or ''): continue
                if f.get('prob') is not None and random.random() >= f['prob']: continue
                if f.get('skip', 0) > 0: f['skip'] -= 1; continue
                if f.get('times', 1) == 0: continue
                if f.get('times', 1) > 0: f['times'] = f.get('times', 1) - 1
                f['fired'] = f.get('fired', 0) + 1
                return dict(f)
        return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'; server_version = 'AliyunOSS'; sys_version = ''; timeout = 120; wbufsize = 64 * 1024
    srv: Server
    def setup(self):
        super().setup(); self.srv = self.server; self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.srv.flock: self.srv.conns += 1
    def version_string(self): return 'AliyunOSS'
    def log_message(self, *a): pass
    def now(self): return self.srv.a.now or time.time()

    # ---- request plumbing
    def handle_one_request(self):
        try: super().handle_one_request()
        except (ConnectionError, BrokenPipeError, socket.timeout, ssl.SSLError, Gone): self.close_connection = True
    def do_any(self):
        s = self.srv; self.rid = uuid.uuid4().hex[:24].upper(); self.t0 = time.time(); self.sent_head = False
        self.op = '?'; self.bucket = self.key = None; self.fx = None; self.body_left = None; self.status_sent = 0; self.authkind = ''; self.line = None
        with s.flock: s.active += 1; s.max_active = max(s.max_active, s.active)
        out0 = 0
        try:
            try: self.route()
            except OssError as e: self.send_error_xml(e)
            except (ConnectionError, socket.timeout, Gone): raise
            except Exception as e:
                traceback.print_exc(); 
                if not self.sent_head: self.send_error_xml(OssError(500, 'InternalError', repr(e)))
                else: raise Gone()
            self.finish_body()
        finally:
            with s.flock:
                s.active -= 1; s.ops[self.op] += 1; s.status[f'{self.op} {self.status_sent or "dropped"}'] += 1; s.active_op[self.op] -= self.counted
                self.note()

    # Told before the answer goes out: whoever has the answer and asks for the log finds its request there.
    def note(self):
        line = {'t': round(self.t0, 4), 'dur': round(time.time() - self.t0, 4), 'm': self.command, 'op': self.op, 'bucket': self.bucket, 'key': self.key,
                'range': self.headers.get('Range'), 'part': self.q1('partNumber') if hasattr(self, 'query') else None, 'status': self.status_sent, 'auth': self.authkind, 'fault': (self.fx or {}).get('action'), 'peer': self.client_address[1]}
        if self.line is None: self.line = line; self.srv.log.append(line)
        else: self.line.update(line)
    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_OPTIONS = do_any
    counted = 0

    def count(self, op):
        self.op = op
        with self.srv.flock:
            self.counted = 1; self.srv.active_op[op] += 1; self.srv.max_active_op[op] = max(self.srv.max_active_op[op], self.srv.active_op[op])

    def finish_body(self):
        """drain a small rest of the request body, otherwise close"""
        n = self.body_left if self.body_left is not None else int(self.headers.get('Content-Length') or 0)
        if self.headers.get('Transfer-Encoding'): n = n if self.body_left is not None else 1 << 30
        if n > 0:
            if n <= 1 << 20:
                self.rfile.read(n)
            else: self.close_connection = True
        self.wfile.flush()

    def read_body(self):
        """yield the request body in chunks; raises Gone if the peer goes away early"""
        fx = self.fx or {}; cut = fx.get('bytes', 0) if fx.get('action') == 'drop_after_read' else None; seen = 0; t0 = time.time()
        if (self.headers.get('Transfer-Encoding') or '').lower() == 'chunked':
            self.body_left = 1 << 40
            while True:
                n = int(self.rfile.readline().split(b';')[0].strip() or b'0', 16)
                if n == 0:
                    while self.rfile.readline().strip(): pass
                    break
                d = self.rfile.read(n); self.rfile.readline()
                if len(d) < n: raise Gone()
                self.srv.bytes_in += n; yield d
            self.body_left = 0; return
        if self.headers.get('Content-Length') is None: raise OssError(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.', '0017-00000901')
        self.body_left = int(self.headers['Content-Length'])
        while self.body_left > 0:
            n = min(CHUNK, self.body_left)
            if cut is not None: n = min(n, max(cut - seen, 1))
            d = self.rfile.read(n)
            if not d or len(d) < n: raise Gone()
            self.body_left -= len(d); seen += len(d); self.srv.bytes_in += len(d)
            if cut is not None and seen >= cut: self.rst()
            if fx.get('action') == 'read_rate':
                w = seen / fx['bps'] - (time.time() - t0)
                if w > 0: time.sleep(w)
            yield d

    def rst(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0'); self.close_connection = True
        try: self.connection.close()
        finally: raise Gone()

    def head(self, status, headers, length):
        if (self.fx or {}).get('action') == 'drop_response': self.rst()
        self.status_sent = status; self.sent_head = True
        with self.srv.flock: self.note()
        self.send_response(status); self.send_header('x-oss-request-id', self.rid); self.send_header('x-oss-server-time', str(int((time.time() - self.t0) * 1000)))
        for k, v in headers.items():
            if v is not None: self.send_header(k, v if v.isascii() else v.encode('utf-8').decode('latin-1'))
        if length is not None: self.send_header('Content-Length', str(length))
        if self.close_connection: self.send_header('Connection', 'close')
        self.end_headers()

    def reply(self, status=200, headers=None, body=b'', ctype='application/xml'):
        h = dict(headers or {}); fx = self.fx or {}
        if fx.get('action') == 'wrong_crc' and 'x-oss-hash-crc64ecma' in h: h['x-oss-hash-crc64ecma'] = str(int(h['x-oss-hash-crc64ecma']) ^ 1)
        if fx.get('action') == 'wrong_etag' and 'ETag' in h: h['ETag'] = '"' + '0' * 32 + '"'
        if isinstance(body, str): body = body.encode()
        if body: h.setdefault('Content-Type', ctype)
        n = self.body_left if self.body_left is not None else int(self.headers.get('Content-Length') or 0)
        if n > 1 << 20: self.close_connection = True
        self.head(status, h, None if status in (204, 304) else len(body))
        if self.command != 'HEAD' and body: self.wfile.write(body); self.srv.bytes_out += len(body)
        self.wfile.flush()

    def send_error_xml(self, e):
        if e.status == 304: return self.reply(304, e.headers)
        x = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n  <Code>{e.code}</Code>\n  <Message>{escape(e.msg)}</Message>\n  <RequestId>{self.rid}</RequestId>\n  <HostId>{escape(self.headers.get("Host") or "")}</HostId>\n'
        for k, v in e.extra.items(): x += f'  <{k}>{escape(str(v))}</{k}>\n'
        x += f'  <EC>{e.ec}</EC>\n</Error>\n'
        h = {'x-oss-ec': e.ec, **e.headers}
        if self.command == 'HEAD': h['x-oss-err'] = base64.b64encode(x.encode()).decode(); x = ''
        self.reply(e.status, h, x)

    # ---- addressing and auth
    def parse_target(self):
        raw = self.path; path, _, qs = raw.partition('?'); self.query = []
        if path.startswith('http://') or path.startswith('https://'): path = '/' + path.split('/', 3)[3] if path.count('/') > 2 else '/'
        for kv in filter(None, qs.split('&')):
            k, eq, v = kv.partition('='); self.query.append((unquote(k), unquote(v) if eq else None))
        self.rawpath = path
        host = (self.headers.get('Host') or '').rsplit(':', 1)[0] if not (self.headers.get('Host') or '').startswith('[') else 'localhost'
        try: ipaddress.ip_address(host); pathstyle = True
        except ValueError: pathstyle = host == 'localhost' or '.' not in host
        if not pathstyle and host.split('.')[0] in self.srv.store.buckets:
            self.bucket = host.split('.')[0]; self.key = unquote(path[1:]) or None; self.virtual = True
        else:
            self.virtual = False; b, _, k = path[1:].partition('/'); self.bucket = unquote(b) or None; self.key = unquote(k) or None
    def q(self, k): return any(n == k for n, _ in self.query)
    def q1(self, k, d=None):
        for n, v in self.query:
            if n == k: return v if v is not None else ''
        return d
    def hdr_utf8(self):
        h = {}
        for k, v in self.headers.items():
            try: v = v.encode('latin-1').decode('utf-8')
            except UnicodeError: pass
            h[k] = v.strip()
        return h

    def fail(self, status, code, msg, ec, **extra):
        with self.srv.flock: self.srv.sigfail += 1
        raise OssError(status, code, msg, ec, extra)

    def authenticate(self):
        a = self.headers.get('Authorization'); q = self.q; now = self.now(); hdr = self.hdr_utf8()
        if a and a.startswith('OSS4-HMAC-SHA256'):
            f = dict((p.strip().split('=', 1) + [''])[:2] for p in a[len('OSS4-HMAC-SHA256'):].split(','))
            cred, sig, add = f.get('Credential'), f.get('Signature'), f.get('AdditionalHeaders', ''); token = hdr.get('x-oss-security-token', hdr.get('X-Oss-Security-Token')); mode = 'header'
            lower = {k.lower(): v for k, v in hdr.items()}; token = lower.get('x-oss-security-token'); date = lower.get('x-oss-date')
            if not date and lower.get('date'): date = parsedate_to_datetime(lower['date']).strftime('%Y%m%dT%H%M%SZ')
            if lower.get('x-oss-content-sha256') != 'UNSIGNED-PAYLOAD': self.fail(400, 'InvalidArgument', 'x-oss-content-sha256 must be UNSIGNED-PAYLOAD.', '0002-00000226')
        elif self.q1('x-oss-signature-version') == 'OSS4-HMAC-SHA256':
            cred, sig, add, token, date, mode = self.q1('x-oss-credential'), self.q1('x-oss-signature'), self.q1('x-oss-additional-headers', ''), self.q1('x-oss-security-token'), self.q1('x-oss-date'), 'query'
        elif a or q('Signature') or q('OSSAccessKeyId'): self.fail(403, 'AccessDenied', 'This emulator only accepts signature version 4 (V1/V2 refused).', '0002-00000902')
        else: self.fail(403, 'AccessDenied', 'Anonymous access is forbidden for this operation.', '0003-00000001')
        self.authkind = mode
        if not cred or not sig or not date: self.fail(400, 'AuthorizationArgumentError' if mode == 'header' else 'AuthorizationQueryParametersError', 'Credential, Signature and date are required.', '0002-00000221')
        try: ak, day, region, product, term = cred.rsplit('/', 4)
        except ValueError: self.fail(400, 'InvalidArgument', 'malformed Credential', '0002-00000222')
        if region != self.srv.a.region: self.fail(400 if mode == 'query' else 403, 'InvalidArgument', f'Invalid signing region in Authorization header: {region}.', '0002-00000225')
        if product != 'oss' or term != 'aliyun_v4_request': self.fail(403, 'InvalidArgument', 'Invalid signing product or terminator.', '0002-00000225')
        if ak not in self.srv.creds: self.fail(403, 'InvalidAccessKeyId', 'The OSS Access Key Id you provided does not exist in our records.', '0002-00000902', OSSAccessKeyId=ak)
        sk, want_tok = self.srv.creds[ak]
        if (want_tok or None) != (token or None): self.fail(403, 'InvalidSecurityToken' if token else 'SecurityTokenNotSupported' if not want_tok else 'InvalidAccessKeyId', 'The security token you provided is invalid.', '0002-00000006')
        if token and ak in self.srv.a.expired: self.fail(403, 'SecurityTokenExpired', 'The security token you provided has expired.', '0002-00000007')
        try: t = dt.datetime.strptime(date, '%Y%m%dT%H%M%SZ').replace(tzinfo=dt.timezone.utc)
        except ValueError: self.fail(403, 'AccessDenied', 'invalid x-oss-date', '0002-00000504')
        if date[:8] != day: self.fail(403, 'InvalidArgument', 'Invalid signing date in Credential.', '0002-00000224')
        exp = None
        if mode == 'query':
            try: secs = int(self.q1('x-oss-expires'))
            except (TypeError, ValueError): self.fail(400, 'AuthorizationQueryParametersError', 'x-oss-expires should be a number.', '0002-00000227')
            if not 0 < secs <= 604800: self.fail(400, 'AuthorizationQueryParametersError', 'x-oss-expires must be in 1..604800.', '0002-00000228')
            exp = t + dt.timedelta(seconds=secs)
            if now > exp.timestamp(): self.fail(403, 'AccessDenied', 'Request has expired.', '0002-00000069', ServerTime=iso(now), Expires=iso(exp.timestamp()))
        elif abs(now - t.timestamp()) > self.srv.a.max_skew:
            self.fail(403, 'RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.', '0002-00000504', MaxAllowedSkewMilliseconds=self.srv.a.max_skew * 1000, RequestTime=iso(t.timestamp()), ServerTime=iso(now))
        # ---- the oracle: the SDK's own signer on the request as decoded by the server
        pairs = [(enc(k), '' if v is None else enc(v)) for k, v in self.query if k != 'x-oss-signature']
        url = 'http://emu/?' + '&'.join(f'{k}={v}' if v else k for k, v in pairs)
        req = HttpRequest(self.command, url if pairs else 'http://emu/')
        sent = {k: v for k, v in hdr.items() if k.lower() != 'authorization'}
        req.headers.update(sent)
        ctx = SigningContext(product='oss', region=region, bucket=self.bucket, key=self.key, request=req, signing_time=t, additional_headers=set(x for x in add.split(';') if x))
        ctx.credentials = StaticCredentialsProvider(ak, sk, token or None).get_credentials(); ctx.auth_method_query = mode == 'query'; ctx.expiration_time = exp
        s = CapSigner(); s.sign(ctx)
        good = req.headers['Authorization'].rsplit('Signature=', 1)[1] if mode == 'header' else unquote(req.url.rsplit('x-oss-signature=', 1)[1])
        if good != sig:
            self.fail(403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided. Check your key and signing method.', '0002-00000201',
                      OSSAccessKeyId=ak, SignatureProvided=sig, StringToSign=ctx.string_to_sign, CanonicalRequest=s.canon)

    # ---- routing
    def route(self):
        self.parse_target()
        if self.rawpath.startswith('/_emu/') and not self.virtual: return self.control()
        m, q = self.command, self.q
        if self.key is None:
            if self.bucket is None: op = 'ListBuckets' if m == 'GET' else '?'
            else: op = {'PUT': 'PutBucket', 'DELETE': 'DeleteBucket', 'HEAD': 'HeadBucket', 'POST': 'DeleteMultipleObjects' if q('delete') else '?',
                        'GET': 'ListMultipartUploads' if q('uploads') else 'GetBucketInfo' if q('bucketInfo') else 'GetBucketLocation' if q('location') else 'GetBucketAcl' if q('acl') else 'ListObjectsV2' if self.q1('list-type') == '2' else 'ListObjects'}.get(m, '?')
        elif m == 'PUT': op = ('UploadPartCopy' if self.headers.get('x-oss-copy-source') else 'UploadPart') if q('partNumber') or q('uploadId') else 'CopyObject' if self.headers.get('x-oss-copy-source') else 'PutObject'
        elif m == 'POST': op = 'InitiateMultipartUpload' if q('uploads') else 'CompleteMultipartUpload' if q('uploadId') else 'AppendObject' if q('append') else '?'
        elif m == 'GET': op = 'ListParts' if q('uploadId') else 'GetObjectMeta' if q('objectMeta') else 'GetObjectAcl' if q('acl') else 'GetObject'
        elif m == 'HEAD': op = 'GetObjectMeta' if q('objectMeta') else 'HeadObject'
        elif m == 'DELETE': op = 'AbortMultipartUpload' if q('uploadId') else 'DeleteObject'
        else: op = '?'
        self.count(op)
        part = self.q1('partNumber'); part = int(part) if part and part.isdigit() else None
        self.fx = self.srv.fault(op, self.key, part, m)
        if self.fx:
            a = self.fx['action']
            if a == 'drop': self.rst()
            if a == 'delay': time.sleep(self.fx.get('ms', 100) / 1000)
            if a == 'status': raise OssError(self.fx.get('status', 503), self.fx.get('code', 'ServiceUnavailable'), 'injected', '9999-00000000', headers=self.fx.get('headers'))
        if op == '?': raise OssError(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.')
        self.authenticate()
        if op == 'ListBuckets': return self.list_buckets()
        if op != 'PutBucket' and self.bucket not in self.srv.store.buckets: raise OssError(404, 'NoSuchBucket', 'The specified bucket does not exist.', '0015-00000101', {'BucketName': self.bucket})
        getattr(self, 'op_' + op)()

    def control(self):
        self.op = 'control'; p = self.rawpath[6:]; s = self.srv
        body = b''.join(self.read_body()) if self.headers.get('Content-Length') else b''
        js = lambda o: self.reply(200, {}, json.dumps(o, ensure_ascii=False, indent=1), 'application/json')
        if p == 'health': return js({'ok': True, 'faults': len(s.faults)})
        if p == 'stats':
            with s.flock: return js({'ops': s.ops, 'status': s.status, 'active': s.active - 1, 'max_active': s.max_active, 'max_active_op': s.max_active_op, 'bytes_in': s.bytes_in, 'bytes_out': s.bytes_out, 'sigfail': s.sigfail, 'connections': s.conns, 'part_puts': {f'{k[0]}#{k[1]}': v for k, v in s.part_puts.items()}})
        if p == 'log': return js(list(s.log))
        if p == 'uploads':
            with s.store.lock: return js({k: {'bucket': u['bucket'], 'key': u['key'], 'parts': {n: x['size'] for n, x in u['parts'].items()}} for k, u in s.store.uploads.items()})
        if p == 'objects':
            with s.store.lock: return js({b: {k: {'size': o['size'], 'etag': o['etag'], 'crc64': o['crc']} for k, o in v['objects'].items()} for b, v in s.store.buckets.items()})
        if p == 'faults' and self.command == 'POST':
            f = json.loads(body or b'[]'); f = f if isinstance(f, list) else [f]
            with s.flock: s.faults += f
            return js(s.faults)
        if p == 'faults' and self.command == 'DELETE':
            with s.flock: old, s.faults = s.faults, []
            return js(old)
        if p == 'faults': return js({'faults': s.faults, 'help': FAULTS})
        if p == 'reset' and self.command == 'POST':
            with s.flock: s.faults = []; s.reset_stats()
            if self.q('data'): s.store.reset()
            return js({'ok': True})
        raise OssError(404, 'NoSuchControl', p)

    # ---- helpers
    def user_meta(self):
        h = self.hdr_utf8(); m = {}
        for k, v in h.items():
            lk = k.lower()
            if lk.startswith('x-oss-meta-') or lk in ('content-type', 'cache-control', 'content-disposition', 'content-encoding', 'expires', 'content-language'): m[lk] = v
        m.setdefault('content-type', 'application/octet-stream'); return m

    def store_body(self):
        path = self.srv.store.blob(); md5 = hashlib.md5(); crc = Crc64(0); n = 0
        want = self.headers.get('Content-MD5')
        if want is not None:
            try: ok = len(base64.b64decode(want, validate=True)) == 16
            except Exception: ok = False
            if not ok: raise OssError(400, 'InvalidDigest', 'The Content-MD5 you specified is not valid.', '0016-00000101')
        try:
            with open(path, 'wb') as f:
                for d in self.read_body(): f.write(d); md5.update(d); crc.update(d); n += len(d)
            if want is not None and base64.b64decode(want) != md5.digest(): raise OssError(400, 'InvalidDigest', 'The Content-MD5 you specified did not match what we received.', '0016-00000102')
        except BaseException:
            try: os.unlink(path)
            except FileNotFoundError: pass
            raise
        return {'path': path, 'size': n, 'md5': md5.hexdigest(), 'crc': crc.sum64(), 'mtime': self.now()}

    def forbid_overwrite(self):
        if (self.headers.get('x-oss-forbid-overwrite') or '').lower() == 'true' and self.key in self.srv.store.buckets[self.bucket]['objects']:
            raise OssError(409, 'FileAlreadyExists', 'The object you specified already exists and can not be overwritten.', '0026-00000004')

    def xml_body(self):
        b = b''.join(self.read_body())
        if self.headers.get('Content-MD5') and base64.b64encode(hashlib.md5(b).digest()).decode() != self.headers['Content-MD5']: raise OssError(400, 'InvalidDigest', 'The Content-MD5 you specified did not match what we received.', '0016-00000102')
        if not b: return None
        try: r = ET.fromstring(b)
        except ET.ParseError: raise OssError(400, 'MalformedXML', 'The XML you provided was not well-formed.', '0018-00000101')
        for e in r.iter(): e.tag = e.tag.rsplit('}', 1)[-1]
        return r
    def k(self, s): return escape(enc(s) if self.q1('encoding-type') == 'url' else s)
    def et(self): return '  <EncodingType>url</EncodingType>\n' if self.q1('encoding-type') == 'url' else ''
    def num(self, name, default, hi):
        v = self.q1(name)
        if v in (None, ''): return default
        if not v.isdigit() or not 0 <= int(v) <= hi: raise OssError(400, 'InvalidArgument', f'{name} is invalid.', '0017-00000201', {'ArgumentName': name, 'ArgumentValue': v})
        return int(v)
    def upload(self):
        u = self.srv.store.uploads.get(self.q1('uploadId') or '')
        if not u or u['bucket'] != self.bucket or u['key'] != self.key:
            raise OssError(404, 'NoSuchUpload', 'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.', '0042-00000002', {'UploadId': self.q1('uploadId')})
        return u
    def obj(self):
        o = self.srv.store.buckets[self.bucket]['objects'].get(self.key)
        if not o: raise OssError(404, 'NoSuchKey', 'The specified key does not exist.', '0026-00000001', {'Key': self.key})
        return o

    # ---- bucket level
    def list_buckets(self):
        with self.srv.store.lock: bs = sorted(self.srv.store.buckets.items())
        x = ''.join(f'<Bucket><Name>{b}</Name><CreationDate>{iso(v["created"])}</CreationDate><Location>oss-{self.srv.a.region}</Location><Region>{self.srv.a.region}</Region><StorageClass>Standard</StorageClass></Bucket>' for b, v in bs)
        self.reply(200, {}, f'<?xml version="1.0" encoding="UTF-8"?>\n<ListAllMyBucketsResult><Owner><ID>1</ID><DisplayName>1</DisplayName></Owner><Buckets>{x}</Buckets></ListAllMyBucketsResult>')
    def op_PutBucket(self):
        if not re.fullmatch(r'[a-z0-9][a-z0-9-]{1,61}[a-z0-9]', self.bucket): raise OssError(400, 'InvalidBucketName', 'The specified bucket is not valid.')
        self.xml_body() if self.headers.get('Content-Length') else None
        with self.srv.store.lock: self.srv.store.buckets.setdefault(self.bucket, {'created': time.time(), 'objects': {}}); self.srv.store.save()
        self.reply(200, {'Location': '/' + self.bucket})
    def op_DeleteBucket(self):
        with self.srv.store.lock:
            if self.srv.store.buckets[self.bucket]['objects'] or any(u['bucket'] == self.bucket for u in self.srv.store.uploads.values()): raise OssError(409, 'BucketNotEmpty', 'The bucket you tried to delete is not empty.', '0015-00000301')
            del self.srv.store.buckets[self.bucket]; self.srv.store.save()
        self.reply(204)
    def op_HeadBucket(self): self.reply(200)
    def op_GetBucketLocation(self): self.reply(200, {}, f'<?xml version="1.0" encoding="UTF-8"?>\n<LocationConstraint>oss-{self.srv.a.region}</LocationConstraint>')
    def op_GetBucketAcl(self): self.reply(200, {}, '<?xml version="1.0" encoding="UTF-8"?>\n<AccessControlPolicy><Owner><ID>1</ID><DisplayName>1</DisplayName></Owner><AccessControlList><Grant>private</Grant></AccessControlList></AccessControlPolicy>')
    op_GetObjectAcl = op_GetBucketAcl
    def op_GetBucketInfo(self):
        r = self.srv.a.region; self.reply(200, {}, f'<?xml version="1.0" encoding="UTF-8"?>\n<BucketInfo><Bucket><CreationDate>{iso(self.srv.store.buckets[self.bucket]["created"])}</CreationDate><ExtranetEndpoint>oss-{r}.aliyuncs.com</ExtranetEndpoint><IntranetEndpoint>oss-{r}-internal.aliyuncs.com</IntranetEndpoint><Location>oss-{r}</Location><Name>{self.bucket}</Name><StorageClass>Standard</StorageClass><Owner><ID>1</ID><DisplayName>1</DisplayName></Owner><AccessControlList><Grant>private</Grant></AccessControlList></Bucket></BucketInfo>')
    def op_ListObjects(self, v2=False):
        pre, delim = self.q1('prefix', '') or '', self.q1('delimiter', '') or ''; mx = self.num('max-keys', 100, 1000)
        after = (self.q1('continuation-token') or self.q1('start-after') or '') if v2 else (self.q1('marker') or '')
        with self.srv.store.lock: items = sorted((k, o) for k, o in self.srv.store.buckets[self.bucket]['objects'].items())
        out, cps, last, trunc = [], [], '', False
        for k, o in items:
            if not k.startswith(pre) or k <= after: continue
            cp = None
            if delim and delim in k[len(pre):]: cp = pre + k[len(pre):].split(delim)[0] + delim
            if cp and (cp in cps or (after and after.startswith(cp))): continue
            if len(out) + len(cps) >= mx: trunc = True; break
            if cp: cps.append(cp)
            else: out.append((k, o))
            last = cp + '\U0010ffff' if cp else k
        x = f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult>\n  <Name>{self.bucket}</Name>\n  <Prefix>{self.k(pre)}</Prefix>\n  <MaxKeys>{mx}</MaxKeys>\n  <Delimiter>{self.k(delim)}</Delimiter>\n{self.et()}  <IsTruncated>{str(trunc).lower()}</IsTruncated>\n'
        if v2: x += f'  <KeyCount>{len(out) + len(cps)}</KeyCount>\n' + (f'  <NextContinuationToken>{self.k(last)}</NextContinuationToken>\n' if trunc else '')
        else: x += f'  <Marker>{self.k(after)}</Marker>\n' + (f'  <NextMarker>{self.k(last)}</NextMarker>\n' if trunc else '')
        for k, o in out: x += f'  <Contents><Key>{self.k(k)}</Key><TransferTime/><LastModified>{iso(o["mtime"])}</LastModified><ETag>"{o["etag"]}"</ETag><Type>{o["type"]}</Type><Size>{o["size"]}</Size><StorageClass>Standard</StorageClass></Contents>\n'
        for c in cps: x += f'  <CommonPrefixes><Prefix>{self.k(c)}</Prefix></CommonPrefixes>\n'
        self.reply(200, {}, x + '</ListBucketResult>')
    def op_ListObjectsV2(self): self.op_ListObjects(True)
    def op_DeleteMultipleObjects(self):
        r = self.xml_body()
        if r is None: raise OssError(400, 'MalformedXML', 'empty')
        keys = [unquote(e.text) if self.q1('encoding-type') == 'url' and False else e.text for e in r.iter('Key')]
        with self.srv.store.lock:
            for k in keys:
                o = self.srv.store.buckets[self.bucket]['objects'].pop(k, None)
                if o: self.srv.store.drop(o['segs'])
            self.srv.store.save()
        quiet = (r.findtext('Quiet') or '').lower() == 'true'
        self.reply(200, {}, '<?xml version="1.0" encoding="UTF-8"?>\n<DeleteResult>' + self.et() + ('' if quiet else ''.join(f'<Deleted><Key>{self.k(k)}</Key></Deleted>' for k in keys)) + '</DeleteResult>')

    # ---- objects
    def op_PutObject(self):
        self.forbid_overwrite(); b = self.store_body()
        with self.srv.store.lock:
            try: self.forbid_overwrite()
            except OssError: os.unlink(b['path']); raise
            self.srv.store.put(self.bucket, self.key, {'segs': [[b['path'], b['size']]], 'size': b['size'], 'etag': b['md5'].upper(), 'md5': base64.b64encode(bytes.fromhex(b['md5'])).decode(), 'crc': b['crc'], 'mtime': b['mtime'], 'type': 'Normal', 'meta': self.user_meta()})
        self.reply(200, {'ETag': f'"{b["md5"].upper()}"', 'x-oss-hash-crc64ecma': str(b['crc']), 'Content-MD5': base64.b64encode(bytes.fromhex(b['md5'])).decode()})

    def op_AppendObject(self):
        pos = self.num('position', 0, 1 << 50)
        with self.srv.store.lock: o = self.srv.store.buckets[self.bucket]['objects'].get(self.key); size = o['size'] if o else 0
        if o and o['type'] != 'Appendable': raise OssError(409, 'ObjectNotAppendable', 'The object is not appendable.', '0026-00000208')
        if pos != size: raise OssError(409, 'PositionNotEqualToLength', 'Position is not equal to file length.', '0026-00000209', headers={'x-oss-next-append-position': str(size)})
        b = self.store_body()
        with self.srv.store.lock:
            o = self.srv.store.buckets[self.bucket]['objects'].get(self.key)
            if (o['size'] if o else 0) != pos: os.unlink(b['path']); raise OssError(409, 'PositionNotEqualToLength', 'Position is not equal to file length.', '0026-00000209', headers={'x-oss-next-append-position': str(o['size'])})
            n = {'segs': (o['segs'] if o else []) + [[b['path'], b['size']]], 'size': pos + b['size'], 'etag': hashlib.md5(f'{self.key}{pos + b["size"]}'.encode()).hexdigest().upper()[:32], 'md5': None,
                 'crc': Crc64.combine(o['crc'], b['crc'], b['size']) if o else b['crc'], 'mtime': b['mtime'], 'type': 'Appendable', 'meta': o['meta'] if o else self.user_meta()}
            self.srv.store.buckets[self.bucket]['objects'][self.key] = n; self.srv.store.save()
        self.reply(200, {'ETag': f'"{n["etag"]}"', 'x-oss-hash-crc64ecma': str(n['crc']), 'x-oss-next-append-position': str(n['size'])})

    def op_CopyObject(self):
        src = self.copy_source(); path = self.srv.store.blob()
        with open(path, 'wb') as f:
            for d in self.segments(src, 0, src['size']): f.write(d)
        n = dict(src, segs=[[path, src['size']]], mtime=self.now()); n['type'] = 'Normal'; self.srv.store.put(self.bucket, self.key, n)
        self.reply(200, {'ETag': f'"{n["etag"]}"', 'x-oss-hash-crc64ecma': str(n['crc'])}, f'<?xml version="1.0" encoding="UTF-8"?>\n<CopyObjectResult><LastModified>{iso(n["mtime"])}</LastModified><ETag>"{n["etag"]}"</ETag></CopyObjectResult>')
    def copy_source(self):
        b, _, k = unquote(self.headers['x-oss-copy-source'].split('?')[0]).lstrip('/').partition('/'); o = self.srv.store.buckets.get(b, {}).get('objects', {}).get(k)
        if not o: raise OssError(404, 'NoSuchKey', 'The copy source does not exist.', '0026-00000001')
        return o

    def segments(self, o, start, length):
        pos = 0
        for p, n in o['segs']:
            if length <= 0: break
            if start < pos + n:
                with open(p, 'rb') as f:
                    f.seek(start - pos); take = min(n - (start - pos), length)
                    while take > 0:
                        d = f.read(min(CHUNK, take))
                        if not d: raise Gone()
                        take -= len(d); length -= len(d); start += len(d); yield d
            pos += n

    def preconditions(self, o):
        et = f'"{o["etag"]}"'; lm = int(o['mtime']); h = self.headers; val = {'ETag': et, 'Last-Modified': formatdate(lm, usegmt=True)}
        def date(n):
            try: return parsedate_to_datetime(h[n]).timestamp() if h.get(n) else None
            except Exception: return None
        strip = lambda s: [x.strip().strip('"') for x in s.split(',')]
        if h.get('If-Match') and h['If-Match'] != '*' and o['etag'] not in strip(h['If-Match']): raise OssError(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold.', '0014-00000001', {'Condition': 'If-Match'})
        if (t := date('If-Unmodified-Since')) is not None and lm > t: raise OssError(412, 'PreconditionFailed', 'At least one of the pre-conditions you specified did not hold.', '0014-00000001', {'Condition': 'If-Unmodified-Since'})
        if h.get('If-None-Match'):
            if h['If-None-Match'] == '*' or o['etag'] in strip(h['If-None-Match']): raise OssError(304, 'NotModified', 'Not Modified', headers=val)
        elif (t := date('If-Modified-Since')) is not None and lm <= t: raise OssError(304, 'NotModified', 'Not Modified', headers=val)

    def obj_headers(self, o):
        h = {'Accept-Ranges': 'bytes', 'ETag': f'"{o["etag"]}"', 'Last-Modified': formatdate(int(o['mtime']), usegmt=True), 'x-oss-object-type': o['type'], 'x-oss-hash-crc64ecma': str(o['crc']), 'x-oss-storage-class': 'Standard'}
        if o.get('md5'): h['Content-MD5'] = o['md5']
        if o['type'] == 'Appendable': h['x-oss-next-append-position'] = str(o['size'])
        names = {'content-type': 'Content-Type', 'cache-control': 'Cache-Control', 'content-disposition': 'Content-Disposition', 'content-encoding': 'Content-Encoding', 'expires': 'Expires', 'content-language': 'Content-Language'}
        for k, v in o['meta'].items(): h[names.get(k, k)] = v
        for k, n in names.items():
            if self.q1('response-' + k) is not None: h[n] = self.q1('response-' + k)
        fx = self.fx or {}
        if fx.get('action') == 'wrong_crc': h['x-oss-hash-crc64ecma'] = str(o['crc'] ^ 1)
        if fx.get('action') == 'wrong_etag': h['ETag'] = '"' + '0' * 32 + '"'
        return h

    def op_HeadObject(self):
        o = self.obj(); self.preconditions(o); self.head(200, self.obj_headers(o), o['size']); self.wfile.flush()
    def op_GetObjectMeta(self):
        o = self.obj(); self.head(200, {'ETag': f'"{o["etag"]}"', 'Last-Modified': formatdate(int(o['mtime']), usegmt=True), 'x-oss-hash-crc64ecma': str(o['crc'])}, o['size'] if self.command == 'HEAD' else 0); self.wfile.flush()

    def parse_range(self, size):
        """OSS rule: an invalid or unsatisfiable range is IGNORED (200, whole object) unless x-oss-range-behavior: standard"""
        r = self.headers.get('Range')
        if not r or (self.fx or {}).get('action') == 'ignore_range': return None
        std = (self.headers.get('x-oss-range-behavior') or '').lower() == 'standard'
        m = re.fullmatch(r'bytes=(\d*)-(\d*)', r.strip())
        if not m or (not m[1] and not m[2]): return None
        if not m[1]:
            n = int(m[2])
            if n == 0 or n > size:
                if not std: return None
                if n == 0: raise OssError(416, 'InvalidRange', 'The requested range cannot be satisfied.', '0017-00000102', headers={'Content-Range': f'bytes */{size}'})
            return max(0, size - n), size - 1
        a, b = int(m[1]), int(m[2]) if m[2] else size - 1
        if m[2] and b < a: return None
        if a >= size:
            if std: raise OssError(416, 'InvalidRange', 'The requested range cannot be satisfied.', '0017-00000102', {'ActualObjectSize': size, 'RangeRequested': r}, {'Content-Range': f'bytes */{size}'})
            return None
        if b >= size and m[2]:
            if std: return a, size - 1
            return None
        return a, b

    def op_GetObject(self):
        o = self.obj(); self.preconditions(o); h = self.obj_headers(o); rg = self.parse_range(o['size']); st, start, n = 200, 0, o['size']
        if rg: st, start, n = 206, rg[0], rg[1] - rg[0] + 1; h['Content-Range'] = f'bytes {rg[0]}-{rg[1]}/{o["size"]}'
        fx = self.fx or {}; act = fx.get('action'); lim = self.headers.get('x-oss-traffic-limit') or self.q1('x-oss-traffic-limit')
        bps = fx.get('bps') if act == 'rate' else (int(lim) / 8 if lim else None)
        self.head(st, h, n); sent = 0; t0 = time.time()
        for d in self.segments(o, start, n):
            if act == 'corrupt' and sent <= fx.get('offset', 0) < sent + len(d): i = fx.get('offset', 0) - sent; d = d[:i] + bytes([d[i] ^ 0xFF]) + d[i + 1:]
            if act in ('truncate', 'stall') and sent + len(d) > fx.get('bytes', 0):
                cut = d[:max(fx.get('bytes', 0) - sent, 0)]; self.wfile.write(cut); self.wfile.flush(); self.srv.bytes_out += len(cut)
                if act == 'truncate': self.close_connection = True; self.connection.shutdown(socket.SHUT_WR); raise Gone()
                time.sleep(fx.get('ms', 1000) / 1000); d = d[len(cut):]; sent += len(cut); act = None
            step = len(d) if not bps else max(1024, min(len(d), int(bps / 20)))
            for i in range(0, len(d), step):
                c = d[i:i + step]; self.wfile.write(c); sent += len(c); self.srv.bytes_out += len(c)
                if bps:
                    self.wfile.flush(); w = sent / bps - (time.time() - t0)
                    if w > 0: time.sleep(w)
        self.wfile.flush()

    def op_DeleteObject(self):
        with self.srv.store.lock:
            o = self.srv.store.buckets[self.bucket]['objects'].pop(self.key, None)
            if o: self.srv.store.drop(o['segs'])
            self.srv.store.save()
        self.reply(204)

    # ---- multipart
    def op_InitiateMultipartUpload(self):
        self.forbid_overwrite()
        if self.headers.get('Content-Length') or self.headers.get('Transfer-Encoding'): b''.join(self.read_body())
        uid = uuid.uuid4().hex.upper()
        with self.srv.store.lock: self.srv.store.uploads[uid] = {'bucket': self.bucket, 'key': self.key, 'parts': {}, 'meta': self.user_meta(), 'started': self.now()}; self.srv.store.save()
        self.reply(200, {}, f'<?xml version="1.0" encoding="UTF-8"?>\n<InitiateMultipartUploadResult>\n{self.et()}  <Bucket>{self.bucket}</Bucket>\n  <Key>{self.k(self.key)}</Key>\n  <UploadId>{uid}</UploadId>\n</InitiateMultipartUploadResult>')

    def part_number(self):
        v = self.q1('partNumber') or ''
        if not v.isdigit() or not 1 <= int(v) <= 10000: raise OssError(400, 'InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive.', '0042-00000201', {'ArgumentName': 'partNumber', 'ArgumentValue': v})
        return int(v)
    def put_part(self, uid, n, b):
        with self.srv.store.lock:
            try: u = self.upload()      # may have been aborted meanwhile
            except OssError: os.unlink(b['path']); raise
            old = u['parts'].get(n); u['parts'][n] = b
            if old: self.srv.store.drop([[old['path'], 0]])
            self.srv.part_puts[(uid, n)] += 1; self.srv.store.save()
    def op_UploadPart(self):
        n = self.part_number(); self.upload(); b = self.store_body()
        if b['size'] > 5 << 30: os.unlink(b['path']); raise OssError(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size.')
        self.put_part(self.q1('uploadId'), n, b)
        self.reply(200, {'ETag': f'"{b["md5"].upper()}"', 'x-oss-hash-crc64ecma': str(b['crc']), 'Content-MD5': base64.b64encode(bytes.fromhex(b['md5'])).decode()})
    def op_UploadPartCopy(self):
        n = self.part_number(); self.upload(); src = self.copy_source(); m = re.fullmatch(r'bytes=(\d+)-(\d+)', self.headers.get('x-oss-copy-source-range') or f'bytes=0-{src["size"] - 1}')
        path = self.srv.store.blob(); md5 = hashlib.md5(); crc = Crc64(0); a, e = int(m[1]), int(m[2])
        with open(path, 'wb') as f:
            for d in self.segments(src, a, e - a + 1): f.write(d); md5.update(d); crc.update(d)
        self.put_part(self.q1('uploadId'), n, {'path': path, 'size': os.path.getsize(path), 'md5': md5.hexdigest(), 'crc': crc.sum64(), 'mtime': self.now()})
        self.reply(200, {}, f'<?xml version="1.0" encoding="UTF-8"?>\n<CopyPartResult><LastModified>{iso(self.now())}</LastModified><ETag>"{md5.hexdigest().upper()}"</ETag></CopyPartResult>')
    def op_ListParts(self):
        mx = self.num('max-parts', 1000, 1000); mark = self.num('part-number-marker', 0, 10000)
        with self.srv.store.lock: u = self.upload(); ps = sorted((n, dict(p)) for n, p in u['parts'].items() if n > mark)
        trunc = len(ps) > mx; ps = ps[:mx]
        x = f'<?xml version="1.0" encoding="UTF-8"?>\n<ListPartsResult>\n  <Bucket>{self.bucket}</Bucket>\n{self.et()}  <Key>{self.k(self.key)}</Key>\n  <UploadId>{self.q1("uploadId")}</UploadId>\n  <StorageClass>Standard</StorageClass>\n  <PartNumberMarker>{mark}</PartNumberMarker>\n  <NextPartNumberMarker>{ps[-1][0] if ps else mark}</NextPartNumberMarker>\n  <MaxParts>{mx}</MaxParts>\n  <IsTruncated>{str(trunc).lower()}</IsTruncated>\n'
        for n, p in ps: x += f'  <Part>\n    <PartNumber>{n}</PartNumber>\n    <LastModified>{iso(p["mtime"])}</LastModified>\n    <ETag>"{p["md5"].upper()}"</ETag>\n    <HashCrc64ecma>{p["crc"]}</HashCrc64ecma>\n    <Size>{p["size"]}</Size>\n  </Part>\n'
        self.reply(200, {}, x + '</ListPartsResult>')
    def op_ListMultipartUploads(self):
        mx = self.num('max-uploads', 1000, 1000); km, um, pre = self.q1('key-marker') or '', self.q1('upload-id-marker') or '', self.q1('prefix') or ''
        with self.srv.store.lock: us = sorted((u['key'], i, u['started']) for i, u in self.srv.store.uploads.items() if u['bucket'] == self.bucket and u['key'].startswith(pre))
        us = [u for u in us if not km or (u[0] > km) or (um and u[0] == km and u[1] > um)]; trunc = len(us) > mx; us = us[:mx]
        x = f'<?xml version="1.0" encoding="UTF-8"?>\n<ListMultipartUploadsResult>\n  <Bucket>{self.bucket}</Bucket>\n{self.et()}  <KeyMarker>{self.k(km)}</KeyMarker>\n  <UploadIdMarker>{um}</UploadIdMarker>\n  <NextKeyMarker>{self.k(us[-1][0]) if trunc else ""}</NextKeyMarker>\n  <NextUploadIdMarker>{us[-1][1] if trunc else ""}</NextUploadIdMarker>\n  <Delimiter></Delimiter>\n  <Prefix>{self.k(pre)}</Prefix>\n  <MaxUploads>{mx}</MaxUploads>\n  <IsTruncated>{str(trunc).lower()}</IsTruncated>\n'
        for k, i, t in us: x += f'  <Upload>\n    <Key>{self.k(k)}</Key>\n    <UploadId>{i}</UploadId>\n    <StorageClass>Standard</StorageClass>\n    <Initiated>{iso(t)}</Initiated>\n  </Upload>\n'
        self.reply(200, {}, x + '</ListMultipartUploadsResult>')
    def op_CompleteMultipartUpload(self):
        self.upload(); r = self.xml_body(); allp = (self.headers.get('x-oss-complete-all') or '').lower() == 'yes'
        self.forbid_overwrite()
        with self.srv.store.lock:
            u = self.upload()
            if allp:
                if r is not None: raise OssError(400, 'InvalidArgument', 'The body must be empty when x-oss-complete-all is set.', '0042-00000205')
                want = [(n, None) for n in sorted(u['parts'])]
            else:
                if r is None: raise OssError(400, 'MalformedXML', 'The XML you provided was not well-formed.', '0042-00000203')
                try: want = [(int(p.findtext('PartNumber')), (p.findtext('ETag') or '').strip().strip('"').upper()) for p in r.findall('Part')]
                except (TypeError, ValueError): raise OssError(400, 'MalformedXML', 'PartNumber missing.', '0042-00000203')
            if not want: raise OssError(400, 'MalformedXML', 'You must specify at least one part.', '0042-00000204')
            if any(a[0] >= b[0] for a, b in zip(want, want[1:])): raise OssError(400, 'InvalidPartOrder', 'The list of parts was not in ascending order. The parts list must be specified in order by part number.', '0042-00000206')
            for i, (n, e) in enumerate(want):
                p = u['parts'].get(n)
                if not p or (e is not None and e != p['md5'].upper()): raise OssError(400, 'InvalidPart', 'One or more of the specified parts could not be found or the specified entity tag might not have matched the part\'s entity tag.', '0042-00000207', {'PartNumber': n, 'ETag': e or ''})
                if i < len(want) - 1 and p['size'] < self.srv.a.min_part: raise OssError(400, 'EntityTooSmall', 'Your proposed upload smaller than the minimum allowed size.', '0042-00000208', {'MinSizeAllowed': self.srv.a.min_part, 'ProposedSize': p['size'], 'PartNumber': n})
            ps = [u['parts'][n] for n, _ in want]; crc = 0
            for i, p in enumerate(ps): crc = p['crc'] if i == 0 else Crc64.combine(crc, p['crc'], p['size'])
            etag = hashlib.md5(b''.join(bytes.fromhex(p['md5']) for p in ps)).hexdigest().upper() + f'-{len(ps)}'
            obj = {'segs': [[p['path'], p['size']] for p in ps], 'size': sum(p['size'] for p in ps), 'etag': etag, 'md5': None, 'crc': crc, 'mtime': self.now(), 'type': 'Multipart', 'meta': u['meta']}
            used = {n for n, _ in want}; self.srv.store.drop([[p['path'], 0] for n, p in u['parts'].items() if n not in used])
            del self.srv.store.uploads[self.q1('uploadId')]; self.srv.store.put(self.bucket, self.key, obj)
        self.reply(200, {'ETag': f'"{etag}"', 'x-oss-hash-crc64ecma': str(crc)}, f'<?xml version="1.0" encoding="UTF-8"?>\n<CompleteMultipartUploadResult>\n{self.et()}  <Location>http://{self.headers.get("Host")}/{enc(self.key)}</Location>\n  <Bucket>{self.bucket}</Bucket>\n  <Key>{self.k(self.key)}</Key>\n  <ETag>"{etag}"</ETag>\n</CompleteMultipartUploadResult>')
    def op_AbortMultipartUpload(self):
        with self.srv.store.lock:
            u = self.upload(); del self.srv.store.uploads[self.q1('uploadId')]; self.srv.store.drop([[p['path'], 0] for p in u['parts'].values()]); self.srv.store.save()
        self.reply(204)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, epilog=FAULTS)
    p.add_argument('--port', type=int, default=9000); p.add_argument('--host', default='127.0.0.1'); p.add_argument('--data', default='./oss-data'); p.add_argument('--region', default='cn-hangzhou')
    p.add_argument('--cred', action='append', default=None); p.add_argument('--expired', action='append', default=None, help='a key whose token has ended'); p.add_argument('--bucket', action='append', default=None); p.add_argument('--min-part', type=int, default=102400)
    p.add_argument('--max-skew', type=int, default=900); p.add_argument('--now', default=None, help='freeze the server clock (ISO)'); p.add_argument('--tls', nargs=2)
    a = p.parse_args(); a.cred = a.cred or ['TESTAK:TESTSK0123456789', 'STS.TESTAK:STSSK0123456789:ststoken+/=with==chars', 'STS.ENDED:STSSK0123456789:ststoken+/=ended']; a.expired = a.expired or ['STS.ENDED']; a.bucket = a.bucket or ['tbucket', 'tbucket2']
    a.now = dt.datetime.fromisoformat(a.now.replace('Z', '+00:00')).timestamp() if a.now else None; os.makedirs(a.data, exist_ok=True)
    if not ipaddress.ip_address(a.host).is_loopback and not a.host.startswith('10.'): sys.exit('loopback only')
    s = Server((a.host, a.port), a)
    if a.tls:
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); c.load_cert_chain(*a.tls); s.socket = c.wrap_socket(s.socket, server_side=True, do_handshake_on_connect=False)
    print(f'oss emulator on http{"s" if a.tls else ""}://{a.host}:{a.port} region {a.region} buckets {a.bucket} keys {[c.split(":")[0] for c in a.cred]}', flush=True)
    def term(*_): s.store.flush(); os._exit(0)
    signal.signal(signal.SIGTERM, term); signal.signal(signal.SIGINT, term)
    s.serve_forever()


if __name__ == '__main__': main()
