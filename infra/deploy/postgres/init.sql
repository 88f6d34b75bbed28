-- Run once by the Postgres image, as its superuser, when the data folder is new. The processes
-- never see the superuser: the schema belongs to nudge_owner, which only `prepare` logs in as.
\set ON_ERROR_STOP on
\set owner_password `cat /run/secrets/postgres_owner_password`
\set worker_password `cat /run/secrets/postgres_worker_password`
\set api_password `cat /run/secrets/postgres_api_password`

CREATE ROLE nudge_owner LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'owner_password';
CREATE ROLE nudge_worker LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'worker_password';
CREATE ROLE nudge_api LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'api_password';

CREATE DATABASE nudge OWNER nudge_owner;
REVOKE ALL ON DATABASE nudge FROM PUBLIC;
GRANT CONNECT ON DATABASE nudge TO nudge_worker, nudge_api;

\connect nudge
CREATE EXTENSION vector;
