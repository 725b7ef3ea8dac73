BEGIN TRANSACTION;
CREATE TABLE audit (
	line INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	who TEXT NOT NULL, 
	what TEXT NOT NULL, 
	PRIMARY KEY (line)
);
INSERT INTO "audit" VALUES(1,1796043558592,'command line','made key fd9df95c for write');
INSERT INTO "audit" VALUES(2,1796043558691,'key 1','deleted user gone-4711');
CREATE TABLE events (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	received BIGINT NOT NULL, 
	PRIMARY KEY (user, movie, kind)
);
INSERT INTO "events" VALUES('ann','50','watchlist',1796043558442);
INSERT INTO "events" VALUES('zoë','1','seen',1796043558476);
CREATE TABLE forgotten (
	user TEXT NOT NULL, 
	PRIMARY KEY (user)
);
INSERT INTO "forgotten" VALUES('gone-4711');
CREATE TABLE idempotency (
	"key" TEXT NOT NULL, 
	body BLOB NOT NULL, 
	answer TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE keys (
	"key" TEXT NOT NULL, 
	role TEXT NOT NULL CHECK (role in ('read', 'write', 'admin')), 
	hash BLOB NOT NULL, 
	created BIGINT NOT NULL, 
	PRIMARY KEY ("key"), 
	UNIQUE (hash)
);
INSERT INTO "keys" VALUES('fd9df95c','write',X'BDAB4732E4CE9462BD078BBBC8751C208D45836447778EF313DA72F4FC7AE349',1796043558592);
CREATE TABLE ratings (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	steps INTEGER, 
	received BIGINT NOT NULL, 
	given BIGINT, 
	PRIMARY KEY (user, movie)
);
INSERT INTO "ratings" VALUES('ann','1',7,1796043558322,NULL);
INSERT INTO "ratings" VALUES('ann','318',10,1796043558322,1600000000);
INSERT INTO "ratings" VALUES('zoë','2',NULL,1796043558401,NULL);
INSERT INTO "ratings" VALUES('zoë','318',3,1796043558322,NULL);
CREATE TABLE scale (
	low FLOAT NOT NULL, 
	high FLOAT NOT NULL, 
	step FLOAT NOT NULL
);
INSERT INTO "scale" VALUES(0.5,5.0,0.5);
CREATE TABLE schema (
	version INTEGER NOT NULL
);
INSERT INTO "schema" VALUES(1);
CREATE TABLE users (
	user TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	PRIMARY KEY (user)
);
INSERT INTO "users" VALUES('ann',1796043558322);
INSERT INTO "users" VALUES('zoë',1796043558322);
CREATE INDEX ix_idempotency_at ON idempotency (at);
COMMIT;
