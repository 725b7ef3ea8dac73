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
INSERT INTO "audit" VALUES(1,1796043587858,'command line','made key a8bd6e48 for write',NULL);
INSERT INTO "audit" VALUES(2,1796043587889,'key 1','asked for refit 1',NULL);
INSERT INTO "audit" VALUES(3,1796043588200,'key 1','described 1 movies, such as 99999',NULL);
INSERT INTO "audit" VALUES(4,1796043588228,'key 1','made a token of user','ann');
INSERT INTO "audit" VALUES(5,1796043588241,'key 1','made a token of user','8a7217a8b3f73feeaba61c8e470554c5');
INSERT INTO "audit" VALUES(6,1796043588248,'key 1','deleted user','8a7217a8b3f73feeaba61c8e470554c5');
CREATE TABLE events (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	received BIGINT NOT NULL, 
	PRIMARY KEY (user, movie, kind)
);
INSERT INTO "events" VALUES('ann','50','watchlist',1796043587819);
INSERT INTO "events" VALUES('zoë','1','seen',1796043587851);
CREATE TABLE forgotten (
	user TEXT NOT NULL, 
	PRIMARY KEY (user)
);
INSERT INTO "forgotten" VALUES('8a7217a8b3f73feeaba61c8e470554c5');
CREATE TABLE idempotency (
	"key" TEXT NOT NULL, 
	body BLOB NOT NULL, 
	answer TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "idempotency" VALUES('again',X'646967657374','{}',1796043587866);
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
INSERT INTO "keys" VALUES('a8bd6e48','write',X'ABFCAFE43EA7FFF942CD6C9279DF75319B36FFF4A2392CBE51934664D7B693FD',1796043587857,NULL,NULL);
CREATE TABLE movies (
	movie TEXT NOT NULL, 
	title TEXT NOT NULL, 
	year INTEGER, 
	genres TEXT NOT NULL, 
	changed BIGINT NOT NULL, 
	PRIMARY KEY (movie)
);
INSERT INTO "movies" VALUES('99999','Neuer Film',2026,'["Drama"]',1796043588200);
CREATE TABLE pseudonym_key (
	"key" BLOB NOT NULL
);
INSERT INTO "pseudonym_key" VALUES(X'466BC6A4F67BD836086683CEE733C89C53894E1A45265DEF452AB92D49A6FDD3');
CREATE TABLE ratings (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	steps INTEGER, 
	received BIGINT NOT NULL, 
	given BIGINT, 
	PRIMARY KEY (user, movie)
);
INSERT INTO "ratings" VALUES('ann','1',7,1796043587778,NULL);
INSERT INTO "ratings" VALUES('ann','318',10,1796043587778,1600000000);
INSERT INTO "ratings" VALUES('zoë','2',NULL,1796043587812,NULL);
INSERT INTO "ratings" VALUES('zoë','318',3,1796043587778,NULL);
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
INSERT INTO "refits" VALUES(1,'key 1',0,1796043587886,NULL,NULL,'asked',NULL,NULL,'','{}');
CREATE TABLE scale (
	low FLOAT NOT NULL, 
	high FLOAT NOT NULL, 
	step FLOAT NOT NULL
);
INSERT INTO "scale" VALUES(0.5,5.0,0.5);
CREATE TABLE schema (
	version INTEGER NOT NULL
);
INSERT INTO "schema" VALUES(7);
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
INSERT INTO "tokens" VALUES(X'60E2687A6E53CB5858D8F8E005C2DFB7DDB6DF32D074B557E9B6941C3E3054A1','ann',1796302788227);
CREATE TABLE users (
	user TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	revision BIGINT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (user)
);
INSERT INTO "users" VALUES('ann',1796043587778,8319026111318723440);
INSERT INTO "users" VALUES('zoë',1796043587778,2753005407544914066);
CREATE INDEX ix_tokens_user ON tokens (user);
CREATE INDEX ix_idempotency_at ON idempotency (at);
CREATE INDEX ix_answered_user ON answered (user);
COMMIT;
