BEGIN TRANSACTION;
CREATE TABLE audit (
	line INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	who TEXT NOT NULL, 
	what TEXT NOT NULL, 
	PRIMARY KEY (line)
);
INSERT INTO "audit" VALUES(1,1796043568324,'command line','made key 1cf3bdfc for write');
INSERT INTO "audit" VALUES(2,1796043568367,'key 1','asked for refit 1');
INSERT INTO "audit" VALUES(3,1796043568386,'key 1','deleted user gone-4711');
CREATE TABLE events (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	received BIGINT NOT NULL, 
	PRIMARY KEY (user, movie, kind)
);
INSERT INTO "events" VALUES('ann','50','watchlist',1796043568235);
INSERT INTO "events" VALUES('zoë','1','seen',1796043568299);
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
INSERT INTO "keys" VALUES('1cf3bdfc','write',X'2CE11F7F56A2782C19F9F085F975F2D79C04A1D6D29611FE1EDF5C428C8C2C60',1796043568324);
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
INSERT INTO "ratings" VALUES('ann','1',7,1796043568142,NULL);
INSERT INTO "ratings" VALUES('ann','318',10,1796043568142,1600000000);
INSERT INTO "ratings" VALUES('zoë','2',NULL,1796043568182,NULL);
INSERT INTO "ratings" VALUES('zoë','318',3,1796043568142,NULL);
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
INSERT INTO "refits" VALUES(1,'key 1',0,1796043568367,NULL,NULL,'asked',NULL,NULL,'','{}');
CREATE TABLE scale (
	low FLOAT NOT NULL, 
	high FLOAT NOT NULL, 
	step FLOAT NOT NULL
);
INSERT INTO "scale" VALUES(0.5,5.0,0.5);
CREATE TABLE schema (
	version INTEGER NOT NULL
);
INSERT INTO "schema" VALUES(3);
CREATE TABLE suspects (
	user TEXT NOT NULL, 
	refit INTEGER NOT NULL, 
	why TEXT NOT NULL, 
	PRIMARY KEY (user)
);
CREATE TABLE users (
	user TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	revision BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (user)
);
INSERT INTO "users" VALUES('ann',1796043568142,2693064070641224078);
INSERT INTO "users" VALUES('zoë',1796043568142,5360018947002529112);
CREATE INDEX ix_idempotency_at ON idempotency (at);
COMMIT;
