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
INSERT INTO "audit" VALUES(1,1796046981794,'command line','made key 180bcaf8 for write',NULL);
INSERT INTO "audit" VALUES(2,1796046981809,'key 1','asked for refit 1',NULL);
INSERT INTO "audit" VALUES(3,1796046981928,'key 1','described 1 movies, such as 99999',NULL);
INSERT INTO "audit" VALUES(4,1796046981934,'key 1','made a token of user','ann');
INSERT INTO "audit" VALUES(5,1796046981954,'key 1','made a token of user','988f06ce72ec5cc6278f258ed58fc6d1');
INSERT INTO "audit" VALUES(6,1796046981961,'key 1','deleted user','988f06ce72ec5cc6278f258ed58fc6d1');
CREATE TABLE events (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	received BIGINT NOT NULL, 
	given BIGINT, 
	PRIMARY KEY (user, movie, kind)
);
INSERT INTO "events" VALUES('ann','50','watchlist',1796046981782,NULL);
INSERT INTO "events" VALUES('zoë','1','seen',1796046981786,NULL);
CREATE TABLE forgotten (
	user TEXT NOT NULL, 
	PRIMARY KEY (user)
);
INSERT INTO "forgotten" VALUES('988f06ce72ec5cc6278f258ed58fc6d1');
CREATE TABLE idempotency (
	"key" TEXT NOT NULL, 
	body BLOB NOT NULL, 
	answer TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "idempotency" VALUES('again',X'646967657374','{}',1796046981799);
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
INSERT INTO "keys" VALUES('180bcaf8','write',X'EB0E982B5851BC1505C32E4C768A899152C73E042EA34AC583668A10A058F438',1796046981792,NULL,NULL);
CREATE TABLE movies (
	movie TEXT NOT NULL, 
	title TEXT NOT NULL, 
	year INTEGER, 
	genres TEXT NOT NULL, 
	changed BIGINT NOT NULL, 
	PRIMARY KEY (movie)
);
INSERT INTO "movies" VALUES('99999','Neuer Film',2026,'["Drama"]',1796046981921);
CREATE TABLE pseudonym_key (
	"key" BLOB NOT NULL
);
INSERT INTO "pseudonym_key" VALUES(X'2F26294A5794B588516837399BD90AFC35B3B8B4F3703519EB55E3671D23B604');
CREATE TABLE ratings (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	steps INTEGER, 
	received BIGINT NOT NULL, 
	given BIGINT, 
	source TEXT, 
	PRIMARY KEY (user, movie)
);
INSERT INTO "ratings" VALUES('ann','1',7,1796046981766,NULL,NULL);
INSERT INTO "ratings" VALUES('ann','318',10,1796046981766,1600000000,NULL);
INSERT INTO "ratings" VALUES('zoë','2',NULL,1796046981774,NULL,NULL);
INSERT INTO "ratings" VALUES('zoë','318',3,1796046981766,NULL,NULL);
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
INSERT INTO "refits" VALUES(1,'key 1',0,1796046981809,NULL,NULL,'asked',NULL,NULL,'','{}');
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
INSERT INTO "schema" VALUES(11);
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
INSERT INTO "tokens" VALUES(X'5FD9CDBE82FB7C4E68F685656BDA49267CC70262A456D956EE3BBFA0D3376668','ann',1796306181933);
CREATE TABLE unmatched (
	user TEXT NOT NULL, 
	"row" TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	title TEXT NOT NULL, 
	year BIGINT, 
	imdb BIGINT, 
	tmdb BIGINT, 
	time BIGINT, 
	movie TEXT, 
	source TEXT, 
	rating FLOAT, 
	received BIGINT NOT NULL, 
	PRIMARY KEY (user, "row")
);
CREATE TABLE users (
	user TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	revision BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (user)
);
INSERT INTO "users" VALUES('ann',1796046981766,7323577233069212708);
INSERT INTO "users" VALUES('zoë',1796046981766,823120500986798730);
CREATE INDEX ix_tokens_user ON tokens (user);
CREATE INDEX ix_idempotency_at ON idempotency (at);
CREATE INDEX ix_answered_user ON answered (user);
COMMIT;
