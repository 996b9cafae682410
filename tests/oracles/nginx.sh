#!/usr/bin/env bash
# A real nginx as the download counterpart: loopback only, no root, no system service.
#
#   nginx.sh install      make an nginx available (from the system, or unpacked from Debian's package); starts nothing
#   nginx.sh start        write configuration, certificate and files, start, wait until it answers
#   nginx.sh stop         end it, by its pid file
#   nginx.sh status       exit 0 when it runs
#   nginx.sh url|tls|www|ca|log    print the base URL, the TLS base URL, the document root, the CA file, the access log
#
#   LONGHAUL_ORACLES      where everything lives           (default ${XDG_CACHE_HOME:-~/.cache}/longhaul-oracles)
#   LONGHAUL_NGINX_HTTP   plain port                       (8081)
#   LONGHAUL_NGINX_TLS    TLS and HTTP/2 port              (8443)
#   LONGHAUL_NGINX_OTHER  the other origin of /redirabs    (8091)
#   LONGHAUL_NGINX_SINK   a port to which /bucket/ is passed on, for measurements (none)
#
# Instances on different plain ports are independent of each other. Exit codes: 1 failed, 2 usage, 3 not installed.
# Paths: README.md beside this file.
set -euo pipefail

home=${LONGHAUL_ORACLES:-${XDG_CACHE_HOME:-$HOME/.cache}/longhaul-oracles}
http=${LONGHAUL_NGINX_HTTP:-8081}
tls=${LONGHAUL_NGINX_TLS:-8443}
other=${LONGHAUL_NGINX_OTHER:-8091}
sink=${LONGHAUL_NGINX_SINK:-}
run=$home/run/nginx-$http
conf=$run/nginx.conf
pidfile=$run/nginx.pid

# The binary: ours if unpacked, else the system's.
binary() {
    if [ -x "$home/root/usr/sbin/nginx" ]; then
        echo "$home/root/usr/sbin/nginx"
    else
        PATH=$PATH:/usr/sbin:/sbin command -v nginx
    fi
}

install() {
    if binary >/dev/null; then
        echo "nginx: $(binary)"
        return
    fi
    if ! command -v apt-get >/dev/null; then
        echo "nginx.sh: there is no apt-get here; install nginx (1.22 or newer) so that it is on the PATH" >&2
        return 1
    fi
    # Unpacked, not installed: no service appears and none starts.
    mkdir -p "$home/debs" "$home/root"
    [ "$(id -u)" != 0 ] || apt-get update -qq
    (cd "$home/debs" && apt-get download -qq nginx)
    dpkg -x "$home"/debs/nginx_*.deb "$home/root"
    if ldd "$home/root/usr/sbin/nginx" | grep 'not found' >&2; then
        rm -r "$home/root"
        echo "nginx.sh: nginx needs the libraries above; install them, or nginx itself" >&2
        return 1
    fi
    echo "nginx: $(binary)"
}

# The pid of our instance, if it runs: the pid file alone could name a stranger after a reboot.
running() {
    local pid
    pid=$(cat "$pidfile" 2>/dev/null) && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || return 1
    if [ -r "/proc/$pid/cmdline" ]; then
        tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF -- "$conf" || return 1
    fi
    echo "$pid"
}

certificate() {
    openssl x509 -in "$run/tls/cert.pem" -checkend 86400 -noout >/dev/null 2>&1 && return
    local ec=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
    openssl req -x509 "${ec[@]}" -keyout "$run/tls/ca.key" -out "$run/tls/ca.pem" -days 3650 -subj /CN=longhaul-test-ca \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign 2>/dev/null
    openssl req "${ec[@]}" -keyout "$run/tls/key.pem" -out "$run/tls/csr.pem" -subj /CN=localhost 2>/dev/null
    openssl x509 -req -in "$run/tls/csr.pem" -CA "$run/tls/ca.pem" -CAkey "$run/tls/ca.key" -CAcreateserial -days 365 \
        -extfile <(printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n') -out "$run/tls/cert.new" 2>/dev/null
    mv "$run/tls/cert.new" "$run/tls/cert.pem"
}

files() {
    local dir=$run/www/files
    [ ! -f "$run/www/SHA256SUMS" ] || return 0
    head -c 67108864 /dev/urandom >"$dir/64m.bin"
    head -c 1000 /dev/urandom >"$dir/1000.bin"
    head -c 5000 /dev/urandom >"$dir/名 前 +%.bin"
    : >"$dir/empty.bin"
    printf 'plain text %.0s' {1..20000} >"$dir/text.txt"
    (cd "$dir" && sha256sum -- * >../SHA256SUMS)
}

configuration() {
    local user='' store='' name='filename*=UTF-8'\'''\''%e5%90%8d%20%e5%89%8d.bin'
    [ "$(id -u)" != 0 ] || user='user root;'
    [ -z "$sink" ] || store="location /bucket/ { proxy_pass http://127.0.0.1:$sink; proxy_http_version 1.1; proxy_request_buffering off; client_max_body_size 0; }"
    cat >"$conf" <<C
$user worker_processes 2; pid $pidfile; error_log $run/logs/error.log info;
events { worker_connections 512; }
http {
  types { text/plain txt; } default_type application/octet-stream;
  client_body_temp_path $run/tmp/b; proxy_temp_path $run/tmp/p; fastcgi_temp_path $run/tmp/f; uwsgi_temp_path $run/tmp/u; scgi_temp_path $run/tmp/s;
  log_format t '\$msec \$server_protocol \$status \$request_method \$uri range="\$http_range" ifr="\$http_if_range" auth="\$http_authorization" conn=\$connection/\$connection_requests sent=\$bytes_sent t=\$request_time';
  access_log $run/logs/access.log t; sendfile on; client_max_body_size 2g;
  limit_conn_zone \$binary_remote_addr zone=perip:1m; limit_req_zone \$binary_remote_addr zone=rps:1m rate=5r/s;
  server {
    listen 127.0.0.1:$http; listen 127.0.0.1:$tls ssl http2; server_name localhost;
    ssl_certificate $run/tls/cert.pem; ssl_certificate_key $run/tls/key.pem; root $run/www;
    location /files/ { }                                                 # ranges, ETag, Last-Modified
    location /slow/ { alias $run/www/files/; limit_rate 2m; }            # 2 MiB/s per connection
    location /burst/ { alias $run/www/files/; limit_rate 1m; limit_rate_after 4m; }
    location /conn2/ { alias $run/www/files/; limit_conn perip 2; limit_conn_status 503; limit_rate 4m; }
    location /rps/ { alias $run/www/files/; limit_req zone=rps burst=2 nodelay; limit_req_status 429; add_header Retry-After 1 always; }
    location /norange/ { alias $run/www/files/; max_ranges 0; }          # 200, never 206; no Accept-Ranges
    location /noetag/ { alias $run/www/files/; etag off; }
    location /nodate/ { alias $run/www/files/; etag off; add_header Last-Modified ""; }
    location /gzip/ { alias $run/www/files/; gzip on; gzip_types text/plain application/octet-stream; gzip_min_length 1; }   # chunked, weak ETag
    location /redir/ { rewrite ^/redir/(.*)\$ /files/\$1 redirect; }
    location ~ ^/redirabs/(.*)\$ { return 307 http://127.0.0.1:$other/files/\$1; }   # another origin: credentials must be dropped
    location /loop/ { return 302 /loop/x; }
    location /cd/ { alias $run/www/files/; add_header Content-Disposition "attachment; filename=\"fallback.bin\"; $name"; }
    location /auth/ { alias $run/www/files/; auth_basic x; auth_basic_user_file $run/htpasswd; }
    location /dav/ { root $run/www; dav_methods PUT DELETE MKCOL; create_full_put_path on; }   # plain PUT target
    location /s503/ { return 503; }
    location /s429/ { add_header Retry-After 2 always; return 429; }
    location /s403/ { return 403; }
    location /s410/ { return 410; }
    location = / { return 200 "ok\n"; }
    $store
  }
  server {
    listen 127.0.0.1:$other; server_name localhost; root $run/www;       # the other origin
    location /files/ { }
    location = / { return 200 "ok\n"; }
  }
}
C
    printf 'user:%s\n' "$(openssl passwd -apr1 pass)" >"$run/htpasswd"
}

start() {
    local pid nginx
    if pid=$(running); then
        echo "nginx: already running, pid $pid, http://127.0.0.1:$http"
        return
    fi
    if ! nginx=$(binary); then
        echo "nginx.sh: no nginx here; run: tests/oracles/nginx.sh install" >&2
        exit 3
    fi
    mkdir -p "$run"/{www/files,www/dav,tmp,logs,tls}
    certificate
    files
    configuration
    rm -f "$pidfile"
    # It becomes a daemon by itself, once its ports are bound; an error ends it here.
    "$nginx" -p "$run" -c "$conf" -e "$run/logs/error.log" </dev/null >"$run/logs/start.log" 2>&1 || {
        cat "$run/logs/start.log" >&2
        return 1
    }
    for _ in {1..100}; do
        if pid=$(running) && (exec 3<>"/dev/tcp/127.0.0.1/$http") 2>/dev/null; then
            echo "nginx: running, pid $pid, http://127.0.0.1:$http https://localhost:$tls"
            return
        fi
        sleep 0.1
    done
    echo "nginx.sh: does not answer on port $http; see $run/logs/error.log" >&2
    return 1
}

stop() {
    local pid
    if ! pid=$(running); then
        echo "nginx: not running"
        return
    fi
    kill -TERM "$pid"
    for _ in {1..100}; do
        if ! running >/dev/null; then
            echo "nginx: stopped"
            return
        fi
        sleep 0.1
    done
    kill -KILL "$pid"
    echo "nginx: killed after 10 s"
}

case ${1:-} in
install) install ;;
start) start ;;
stop) stop ;;
status) if pid=$(running); then echo "nginx: running, pid $pid"; else echo "nginx: not running"; exit 1; fi ;;
url) echo "http://127.0.0.1:$http" ;;
tls) echo "https://localhost:$tls" ;;
www) echo "$run/www" ;;
ca) echo "$run/tls/ca.pem" ;;
log) echo "$run/logs/access.log" ;;
*)
    sed -n '2,17s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
