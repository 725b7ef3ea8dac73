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
INSERT INTO "audit" VALUES(1,1796053395409,'command line','made key 4f1dd20b for write',NULL);
INSERT INTO "audit" VALUES(2,1796053395442,'key 1','asked for refit 1',NULL);
INSERT INTO "audit" VALUES(3,1796053395684,'key 1','described 1 movies, such as 99999',NULL);
INSERT INTO "audit" VALUES(4,1796053395697,'key 1','made a token of user','ann');
INSERT INTO "audit" VALUES(5,1796053395706,'key 1','made a token of user','19b992f0d00b946acc1909226c822707');
INSERT INTO "audit" VALUES(6,1796053395723,'key 1','deleted user','19b992f0d00b946acc1909226c822707');
CREATE TABLE events (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	received BIGINT NOT NULL, 
	given BIGINT, 
	plays BIGINT, 
	PRIMARY KEY (user, movie, kind)
);
INSERT INTO "events" VALUES('ann','50','watchlist',1796053395395,NULL,NULL);
INSERT INTO "events" VALUES('zoë','1','seen',1796053395397,NULL,NULL);
CREATE TABLE followed (
	day INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	version TEXT NOT NULL, 
	against TEXT NOT NULL, 
	shown INTEGER DEFAULT '0' NOT NULL, 
	high INTEGER DEFAULT '0' NOT NULL, 
	low INTEGER DEFAULT '0' NOT NULL, 
	vetoed INTEGER DEFAULT '0' NOT NULL, 
	seen INTEGER DEFAULT '0' NOT NULL, 
	watchlisted INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (day, kind, version, against)
);
CREATE TABLE forgotten (
	user TEXT NOT NULL, 
	PRIMARY KEY (user)
);
INSERT INTO "forgotten" VALUES('19b992f0d00b946acc1909226c822707');
CREATE TABLE idempotency (
	"key" TEXT NOT NULL, 
	body BLOB NOT NULL, 
	answer TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "idempotency" VALUES('again',X'646967657374','{}',1796053395426);
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
INSERT INTO "keys" VALUES('4f1dd20b','write',X'CE78194C16D3DB930E8517C4AB0C11C4D7DA445CBC768DA7ABDEFCBE292E3DE0',1796053395408,NULL,NULL);
CREATE TABLE movies (
	movie TEXT NOT NULL, 
	title TEXT NOT NULL, 
	year INTEGER, 
	genres TEXT NOT NULL, 
	changed BIGINT NOT NULL, 
	PRIMARY KEY (movie)
);
INSERT INTO "movies" VALUES('99999','Neuer Film',2026,'["Drama"]',1796053395674);
CREATE TABLE pseudonym_key (
	"key" BLOB NOT NULL
);
INSERT INTO "pseudonym_key" VALUES(X'2262695C3F41B6E859149C1C71EB6A2C31C2B594E386D2EEBDCE57B9DFBE21AA');
CREATE TABLE ratings (
	user TEXT NOT NULL, 
	movie TEXT NOT NULL, 
	steps INTEGER, 
	received BIGINT NOT NULL, 
	given BIGINT, 
	source TEXT, 
	PRIMARY KEY (user, movie)
);
INSERT INTO "ratings" VALUES('ann','1',7,1796053395378,NULL,NULL);
INSERT INTO "ratings" VALUES('ann','318',10,1796053395378,1600000000,NULL);
INSERT INTO "ratings" VALUES('zoë','2',NULL,1796053395386,NULL,NULL);
INSERT INTO "ratings" VALUES('zoë','318',3,1796053395378,NULL,NULL);
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
INSERT INTO "refits" VALUES(1,'key 1',0,1796053395437,NULL,NULL,'asked',NULL,NULL,'','{}');
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
INSERT INTO "schema" VALUES(13);
CREATE TABLE shares (
	share TEXT NOT NULL, 
	secret BLOB NOT NULL, 
	user TEXT, 
	content TEXT NOT NULL, 
	created BIGINT NOT NULL, 
	expires BIGINT NOT NULL, 
	PRIMARY KEY (share)
);
CREATE TABLE shown (
	user TEXT NOT NULL, 
	day INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	version TEXT NOT NULL, 
	against TEXT NOT NULL, 
	shown INTEGER DEFAULT '0' NOT NULL, 
	high INTEGER DEFAULT '0' NOT NULL, 
	low INTEGER DEFAULT '0' NOT NULL, 
	vetoed INTEGER DEFAULT '0' NOT NULL, 
	seen INTEGER DEFAULT '0' NOT NULL, 
	watchlisted INTEGER DEFAULT '0' NOT NULL, 
	at BIGINT NOT NULL, 
	movies TEXT NOT NULL, 
	revision BIGINT, 
	PRIMARY KEY (user, day, kind, version, against)
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
INSERT INTO "tokens" VALUES(X'3F35F831A46D5A0B2792CCE762F961DD532961D4281FB26629223E9788561105','ann',1796312595695);
CREATE TABLE trials (
	user TEXT NOT NULL, 
	version TEXT NOT NULL, 
	against TEXT NOT NULL, 
	shown INTEGER NOT NULL, 
	high INTEGER NOT NULL, 
	PRIMARY KEY (user, version, against)
);
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
INSERT INTO "users" VALUES('ann',1796053395378,2059969313563306020);
INSERT INTO "users" VALUES('zoë',1796053395378,655187754320014647);
CREATE INDEX ix_tokens_user ON tokens (user);
CREATE INDEX ix_idempotency_at ON idempotency (at);
CREATE INDEX ix_answered_user ON answered (user);
CREATE INDEX ix_shares_user ON shares (user);
CREATE INDEX ix_shares_expires ON shares (expires);
COMMIT;
