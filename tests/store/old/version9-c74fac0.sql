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
	user TEXT, 
	PRIMARY KEY (line)
);
INSERT INTO "audit" VALUES(1,1796043597122,'command line','made key b5b117fd for write',NULL);
INSERT INTO "audit" VALUES(2,1796043597173,'key 1','asked for refit 1',NULL);
INSERT INTO "audit" VALUES(3,1796043597746,'key 1','described 1 movies, such as 99999',NULL);
INSERT INTO "audit" VALUES(4,1796043597775,'key 1','made a token of user','ann');
INSERT INTO "audit" VALUES(5,1796043597788,'key 1','made a token of user','3bbb62d6ec9c5a486bbd77cb586d3d3f');
INSERT INTO "audit" VALUES(6,1796043597837,'key 1','deleted user','3bbb62d6ec9c5a486bbd77cb586d3d3f');
CREATE TABLE events (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	received BIGINT NOT NULL, 
	given BIGINT, 
	PRIMARY KEY (user, movie, kind)
);
INSERT INTO "events" VALUES('ann','50','watchlist',1796043597075,NULL);
INSERT INTO "events" VALUES('zoë','1','seen',1796043597086,NULL);
CREATE TABLE forgotten (
	user TEXT NOT NULL, 
	PRIMARY KEY (user)
);
INSERT INTO "forgotten" VALUES('3bbb62d6ec9c5a486bbd77cb586d3d3f');
CREATE TABLE idempotency (
	"key" TEXT NOT NULL, 
	body BLOB NOT NULL, 
	answer TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "idempotency" VALUES('again',X'646967657374','{}',1796043597149);
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
INSERT INTO "keys" VALUES('b5b117fd','write',X'8663A11D7421E1D72BFACF9B69813D7F8042C1A51E9D3C2E4B3E2E65CA6D8E01',1796043597113,NULL,NULL);
CREATE TABLE movies (
	movie TEXT NOT NULL, 
	title TEXT NOT NULL, 
	year INTEGER, 
	genres TEXT NOT NULL, 
	changed BIGINT NOT NULL, 
	PRIMARY KEY (movie)
);
INSERT INTO "movies" VALUES('99999','Neuer Film',2026,'["Drama"]',1796043597730);
CREATE TABLE pseudonym_key (
	"key" BLOB NOT NULL
);
INSERT INTO "pseudonym_key" VALUES(X'7E14182A0FAC63082A440EBA2D47540D2811586CD06D84DB08F6FA701B0730CE');
CREATE TABLE ratings (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	steps INTEGER, 
	received BIGINT NOT NULL, 
	given BIGINT, 
	source TEXT, 
	PRIMARY KEY (user, movie)
);
INSERT INTO "ratings" VALUES('ann','1',7,1796043597034,NULL,NULL);
INSERT INTO "ratings" VALUES('ann','318',10,1796043597034,1600000000,NULL);
INSERT INTO "ratings" VALUES('zoë','2',NULL,1796043597062,NULL,NULL);
INSERT INTO "ratings" VALUES('zoë','318',3,1796043597034,NULL,NULL);
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
INSERT INTO "refits" VALUES(1,'key 1',0,1796043597172,NULL,NULL,'asked',NULL,NULL,'','{}');
CREATE TABLE revisions (
	name TEXT NOT NULL, 
	number BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "revisions" VALUES('movies',1);
CREATE TABLE scale (
	low FLOAT NOT NULL, 
	high FLOAT NOT NULL, 
	step FLOAT NOT NULL
);
INSERT INTO "scale" VALUES(0.5,5.0,0.5);
CREATE TABLE schema (
	version INTEGER NOT NULL
);
INSERT INTO "schema" VALUES(9);
CREATE TABLE statistics (
	name TEXT NOT NULL, 
	counts TEXT NOT NULL, 
	PRIMARY KEY (name)
);
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
INSERT INTO "tokens" VALUES(X'1829758E586E4A9D1331FC657E553306B2C1590414204CDE79EC3FF16DD2F1CD','ann',1796302797771);
CREATE TABLE users (
	user TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	revision BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (user)
);
INSERT INTO "users" VALUES('ann',1796043597034,7353344210148572324);
INSERT INTO "users" VALUES('zoë',1796043597034,5995893702983843524);
CREATE INDEX ix_tokens_user ON tokens (user);
CREATE INDEX ix_idempotency_at ON idempotency (at);
CREATE INDEX ix_answered_user ON answered (user);
COMMIT;
