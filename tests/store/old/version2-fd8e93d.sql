BEGIN TRANSACTION;
CREATE TABLE audit (
	line INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	who TEXT NOT NULL, 
	what TEXT NOT NULL, 
	PRIMARY KEY (line)
);
INSERT INTO "audit" VALUES(1,1796043564638,'command line','made key d53b0c4d for write');
INSERT INTO "audit" VALUES(2,1796043564723,'key 1','asked for refit 1');
INSERT INTO "audit" VALUES(3,1796043564770,'key 1','deleted user gone-4711');
CREATE TABLE events (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	received BIGINT NOT NULL, 
	PRIMARY KEY (user, movie, kind)
);
INSERT INTO "events" VALUES('ann','50','watchlist',1796043564573);
INSERT INTO "events" VALUES('zoë','1','seen',1796043564599);
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
INSERT INTO "keys" VALUES('d53b0c4d','write',X'C1DCABBE595B05AB9124F2B483A49FB442319D7774BE98A62105A421629BE489',1796043564638);
CREATE TABLE movies (
	movie TEXT NOT NULL, 
	title TEXT NOT NULL, 
	year INTEGER, 
	genres TEXT NOT NULL, 
	changed BIGINT NOT NULL, 
	PRIMARY KEY (movie)
);
CREATE TABLE ratings (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	steps INTEGER, 
	received BIGINT NOT NULL, 
	given BIGINT, 
	PRIMARY KEY (user, movie)
);
INSERT INTO "ratings" VALUES('ann','1',7,1796043564424,NULL);
INSERT INTO "ratings" VALUES('ann','318',10,1796043564424,1600000000);
INSERT INTO "ratings" VALUES('zoë','2',NULL,1796043564536,NULL);
INSERT INTO "ratings" VALUES('zoë','318',3,1796043564424,NULL);
CREATE TABLE refits (
	refit INTEGER NOT NULL, 
	who TEXT NOT NULL, 
	force BOOLEAN NOT NULL, 
	asked BIGINT NOT NULL, 
	begun BIGINT, 
	ended BIGINT, 
	state TEXT NOT NULL, 
	against TEXT, 
	version TEXT, 
	why TEXT NOT NULL, 
	figures TEXT NOT NULL, 
	PRIMARY KEY (refit)
);
INSERT INTO "refits" VALUES(1,'key 1',0,1796043564723,NULL,NULL,'asked',NULL,NULL,'','{}');
CREATE TABLE scale (
	low FLOAT NOT NULL, 
	high FLOAT NOT NULL, 
	step FLOAT NOT NULL
);
INSERT INTO "scale" VALUES(0.5,5.0,0.5);
CREATE TABLE schema (
	version INTEGER NOT NULL
);
INSERT INTO "schema" VALUES(2);
CREATE TABLE suspects (
	user TEXT NOT NULL, 
	refit INTEGER NOT NULL, 
	why TEXT NOT NULL, 
	PRIMARY KEY (user)
);
CREATE TABLE users (
	user TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	PRIMARY KEY (user)
);
INSERT INTO "users" VALUES('ann',1796043564424);
INSERT INTO "users" VALUES('zoë',1796043564424);
CREATE INDEX ix_idempotency_at ON idempotency (at);
COMMIT;
