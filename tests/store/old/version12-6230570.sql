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
INSERT INTO "audit" VALUES(1,1796049042435,'command line','made key 67371aca for write',NULL);
INSERT INTO "audit" VALUES(2,1796049042440,'key 1','asked for refit 1',NULL);
INSERT INTO "audit" VALUES(3,1796049042512,'key 1','described 1 movies, such as 99999',NULL);
INSERT INTO "audit" VALUES(4,1796049042514,'key 1','made a token of user','ann');
INSERT INTO "audit" VALUES(5,1796049042515,'key 1','made a token of user','ab1c4d7df956df137cb38ca8d43d4fe8');
INSERT INTO "audit" VALUES(6,1796049042519,'key 1','deleted user','ab1c4d7df956df137cb38ca8d43d4fe8');
CREATE TABLE events (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	received BIGINT NOT NULL, 
	given BIGINT, 
	PRIMARY KEY (user, movie, kind)
);
INSERT INTO "events" VALUES('ann','50','watchlist',1796049042430,NULL);
INSERT INTO "events" VALUES('zoë','1','seen',1796049042431,NULL);
CREATE TABLE forgotten (
	user TEXT NOT NULL, 
	PRIMARY KEY (user)
);
INSERT INTO "forgotten" VALUES('ab1c4d7df956df137cb38ca8d43d4fe8');
CREATE TABLE idempotency (
	"key" TEXT NOT NULL, 
	body BLOB NOT NULL, 
	answer TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "idempotency" VALUES('again',X'646967657374','{}',1796049042436);
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
INSERT INTO "keys" VALUES('67371aca','write',X'1AE3117324D3A408DE161803635BD1A00A71B43E4629DBAC819A0660DE80644E',1796049042434,NULL,NULL);
CREATE TABLE movies (
	movie TEXT NOT NULL, 
	title TEXT NOT NULL, 
	year INTEGER, 
	genres TEXT NOT NULL, 
	changed BIGINT NOT NULL, 
	PRIMARY KEY (movie)
);
INSERT INTO "movies" VALUES('99999','Neuer Film',2026,'["Drama"]',1796049042511);
CREATE TABLE pseudonym_key (
	"key" BLOB NOT NULL
);
INSERT INTO "pseudonym_key" VALUES(X'DE2292BE9C3A1BB6F4963C7E0B66C93B7E6F4FC473EF1CD3C6F7D127B930EB28');
CREATE TABLE ratings (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	steps INTEGER, 
	received BIGINT NOT NULL, 
	given BIGINT, 
	source TEXT, 
	PRIMARY KEY (user, movie)
);
INSERT INTO "ratings" VALUES('ann','1',7,1796049042426,NULL,NULL);
INSERT INTO "ratings" VALUES('ann','318',10,1796049042426,1600000000,NULL);
INSERT INTO "ratings" VALUES('zoë','2',NULL,1796049042429,NULL,NULL);
INSERT INTO "ratings" VALUES('zoë','318',3,1796049042426,NULL,NULL);
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
INSERT INTO "refits" VALUES(1,'key 1',0,1796049042440,NULL,NULL,'asked',NULL,NULL,'','{}');
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
INSERT INTO "schema" VALUES(12);
CREATE TABLE shares (
	share TEXT NOT NULL, 
	secret BLOB NOT NULL, 
	user TEXT, 
	content TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	expires BIGINT NOT NULL, 
	PRIMARY KEY (share)
);
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
INSERT INTO "tokens" VALUES(X'CA5F3564D6753D2B91C8C949D22D410296537E6B32599115D80A916706B26A73','ann',1796308242514);
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
INSERT INTO "users" VALUES('ann',1796049042426,8683018233397482762);
INSERT INTO "users" VALUES('zoë',1796049042426,3664270773193465904);
CREATE INDEX ix_tokens_user ON tokens (user);
CREATE INDEX ix_idempotency_at ON idempotency (at);
CREATE INDEX ix_answered_user ON answered (user);
CREATE INDEX ix_shares_expires ON shares (expires);
CREATE INDEX ix_shares_user ON shares (user);
COMMIT;
