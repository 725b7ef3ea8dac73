BEGIN TRANSACTION;
CREATE TABLE answered (
	"key" TEXT NOT NULL, 
	user TEXT NOT NULL, 
	PRIMARY KEY ("key", user)
);
INSERT INTO "answered" VALUES('again','ann');
CREATE TABLE audit (
	line INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	who TEXT NOT NULL, 
	what TEXT NOT NULL, 
	PRIMARY KEY (line)
);
INSERT INTO "audit" VALUES(1,1796043578686,'command line','made key a0c04a81 for write');
INSERT INTO "audit" VALUES(2,1796043578695,'key 1','asked for refit 1');
INSERT INTO "audit" VALUES(3,1796043579274,'key 1','described 1 movies, such as 99999');
INSERT INTO "audit" VALUES(4,1796043579288,'key 1','made a token of user ann');
INSERT INTO "audit" VALUES(5,1796043579290,'key 1','made a token of user gone-4711');
INSERT INTO "audit" VALUES(6,1796043579331,'key 1','deleted user gone-4711');
CREATE TABLE events (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	received BIGINT NOT NULL, 
	PRIMARY KEY (user, movie, kind)
);
INSERT INTO "events" VALUES('ann','50','watchlist',1796043578669);
INSERT INTO "events" VALUES('zoë','1','seen',1796043578673);
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
INSERT INTO "idempotency" VALUES('again',X'646967657374','{}',1796043578688);
CREATE TABLE keys (
	"key" TEXT NOT NULL, 
	role TEXT NOT NULL CHECK (role in ('read', 'write', 'admin')), 
	hash BLOB NOT NULL, 
	created BIGINT NOT NULL, 
	expires BIGINT, 
	used BIGINT, 
	PRIMARY KEY ("key"), 
	UNIQUE (hash)
);
INSERT INTO "keys" VALUES('a0c04a81','write',X'A0A31859EBA8EF368D7C6E8DEE93256F494998BF9D2C29B7362C39191EFC53C9',1796043578680,NULL,NULL);
CREATE TABLE movies (
	movie TEXT NOT NULL, 
	title TEXT NOT NULL, 
	year INTEGER, 
	genres TEXT NOT NULL, 
	changed BIGINT NOT NULL, 
	PRIMARY KEY (movie)
);
INSERT INTO "movies" VALUES('99999','Neuer Film',2026,'["Drama"]',1796043579273);
CREATE TABLE ratings (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	steps INTEGER, 
	received BIGINT NOT NULL, 
	given BIGINT, 
	PRIMARY KEY (user, movie)
);
INSERT INTO "ratings" VALUES('ann','1',7,1796043578662,NULL);
INSERT INTO "ratings" VALUES('ann','318',10,1796043578662,1600000000);
INSERT INTO "ratings" VALUES('zoë','2',NULL,1796043578666,NULL);
INSERT INTO "ratings" VALUES('zoë','318',3,1796043578662,NULL);
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
INSERT INTO "refits" VALUES(1,'key 1',0,1796043578695,NULL,NULL,'asked',NULL,NULL,'','{}');
CREATE TABLE scale (
	low FLOAT NOT NULL, 
	high FLOAT NOT NULL, 
	step FLOAT NOT NULL
);
INSERT INTO "scale" VALUES(0.5,5.0,0.5);
CREATE TABLE schema (
	version INTEGER NOT NULL
);
INSERT INTO "schema" VALUES(5);
CREATE TABLE suspects (
	user TEXT NOT NULL, 
	refit INTEGER NOT NULL, 
	why TEXT NOT NULL, 
	PRIMARY KEY (user)
);
CREATE TABLE tokens (
	hash BLOB NOT NULL, 
	user TEXT NOT NULL, 
	expires BIGINT NOT NULL, 
	PRIMARY KEY (hash)
);
INSERT INTO "tokens" VALUES(X'DC3F5B959015F6981A9740C009CEF3A3D8F9A8FADC725E827CD133686ECD1CE3','ann',1796302779285);
CREATE TABLE users (
	user TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	revision BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (user)
);
INSERT INTO "users" VALUES('ann',1796043578662,1305740061286357238);
INSERT INTO "users" VALUES('zoë',1796043578662,8222836715375710872);
CREATE INDEX ix_tokens_user ON tokens (user);
CREATE INDEX ix_idempotency_at ON idempotency (at);
CREATE INDEX ix_answered_user ON answered (user);
COMMIT;
