"""What the cloud remembers over a restart, except the content of objects: one SQLite file."""
import sqlite3

SCHEMA = """
CREATE TABLE IF NOT EXISTS bindings (resource TEXT, role TEXT, member TEXT, PRIMARY KEY (resource, role, member));
CREATE TABLE IF NOT EXISTS accounts (email TEXT PRIMARY KEY, unique_id TEXT);
CREATE TABLE IF NOT EXISTS account_keys (id TEXT PRIMARY KEY, email TEXT, public_pem TEXT);
CREATE TABLE IF NOT EXISTS refresh_tokens (hash TEXT PRIMARY KEY, client_id TEXT, secret_hash TEXT, email TEXT);
CREATE TABLE IF NOT EXISTS access_tokens (hash TEXT PRIMARY KEY, principal TEXT, expires REAL);
CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY, id BLOB, protection TEXT, primary_version INTEGER, created TEXT);
CREATE TABLE IF NOT EXISTS key_versions (key TEXT, number INTEGER, state TEXT, material BLOB, created TEXT,
                                         PRIMARY KEY (key, number));
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, created TEXT);
CREATE TABLE IF NOT EXISTS objects (bucket TEXT, name TEXT, generation INTEGER, metageneration INTEGER, size INTEGER,
                                    crc32c TEXT, md5 TEXT, content_type TEXT, metadata TEXT, created TEXT, updated TEXT,
                                    file TEXT, PRIMARY KEY (bucket, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, created TEXT);
CREATE TABLE IF NOT EXISTS subscriptions (name TEXT PRIMARY KEY, topic TEXT);
CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, data BLOB, attributes TEXT,
                                     ordering_key TEXT, published TEXT);
CREATE TABLE IF NOT EXISTS deliveries (subscription TEXT, message INTEGER, ack_id TEXT, deadline REAL,
                                       PRIMARY KEY (subscription, message));
CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, bucket TEXT, request TEXT, state TEXT, result TEXT);
"""


def open_database(path):
    """The database, made when absent. Each statement is its own transaction; a kill loses none that was answered."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")  # Survives the end of the process; not of the machine.
    connection.executescript(SCHEMA)
    return connection
