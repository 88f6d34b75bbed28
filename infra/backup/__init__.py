"""Backup and restore: the log and its state, keys apart, everything else made anew from them."""
