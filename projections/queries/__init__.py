"""Reads of the Postgres views, for the API and the streams: plain functions on a connection.

With the API's role the organization is set in the transaction and everyone else's rows are
invisible; with a worker's role, functions that search take the organization.
"""
