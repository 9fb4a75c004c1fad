#!/bin/sh
# Run once by the PostgreSQL image on a new data folder: the two roles, the extensions, the database.
set -eu
psql -v ON_ERROR_STOP=1 -U postgres -d template1 \
  -v owner_password="$OWNER_PASSWORD" -v app_password="$APP_PASSWORD" <<'SQL'
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE ROLE anju_owner LOGIN CREATEDB PASSWORD :'owner_password';
CREATE ROLE anju_app LOGIN PASSWORD :'app_password';
CREATE DATABASE anju OWNER anju_owner;
SQL
