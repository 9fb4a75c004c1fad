#!/bin/sh
# Run once by the PostgreSQL image on a new data folder: the two roles, the extensions, the database.
set -eu
: "${OWNER_PASSWORD:?}" "${APP_PASSWORD:?}"
# psql reads the passwords from the environment, so no command line shows them. In template1, every
# database made later has the extensions, and their making needs no superuser.
psql -X -q -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d template1 <<'SQL'
\getenv owner_password OWNER_PASSWORD
\getenv app_password APP_PASSWORD
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE ROLE anju_owner LOGIN CREATEDB PASSWORD :'owner_password';
CREATE ROLE anju_app LOGIN PASSWORD :'app_password';
CREATE DATABASE anju OWNER anju_owner;
SQL
