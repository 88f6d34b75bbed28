#!/bin/sh
# Makes what is missing of the production stack's keys and passwords: make-secrets.sh [FOLDER]
#
# The folder (default: secrets) is closed to everyone else; the files in it are readable, because
# containers get them as mounts and run as users of their own. What exists is never replaced: a new
# key could not open the old data.
set -eu
umask 077
folder=${1:-secrets}
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

random() { od -An -tx1 -N32 /dev/urandom | tr -d ' \n'; }

keep() { # NAME: the file gets what comes in, unless it is there
    if [ -e "$1" ]; then cat >/dev/null; else cat >"$1.new" && chmod 444 "$1.new" && mv "$1.new" "$1"; fi
}

for name in secret.key master.key signing.key postgres_superuser_password \
    postgres_owner_password postgres_worker_password postgres_api_password clickhouse_password grafana_password n8n_key
do random | keep "$name"; done

for role in owner worker api; do
    echo "postgresql://nudge_$role:$(cat "postgres_${role}_password")@postgres:5432/nudge" |
        keep "postgres_${role}_url"
done

# ClickHouse is told the hash only; its `default` user goes.
keep clickhouse_users.xml <<XML
<clickhouse>
  <users>
    <default remove="remove"/>
    <nudge>
      <password_sha256_hex>$(tr -d '\n' <clickhouse_password | sha256sum | cut -d' ' -f1)</password_sha256_hex>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants><query>GRANT ALL ON nudge.*</query></grants>
    </nudge>
  </users>
</clickhouse>
XML
echo "secrets are in $(pwd): back up the three .key files apart from the data"
