-- What readers ask for: hits by row and day, and the paths that nothing answers.
-- No trigger of pages knows of it, and it locks no row of theirs.

-- +goose Up

-- One row for each row of pages that was hit on a day, or file without a row. It
-- stays when the row of pages goes, until the day is too long ago. Updates touch
-- no index, and find room beside the row.
CREATE TABLE hits (
    day  date             NOT NULL, -- UTC
    path text COLLATE "C" NOT NULL,
    hits bigint           NOT NULL CHECK (hits > 0),
    last timestamptz      NOT NULL,
    PRIMARY KEY (day, path)
) WITH (fillfactor = 70);
CREATE INDEX hits_path ON hits (path);

CREATE TABLE misses (
    path       text COLLATE "C" PRIMARY KEY,
    hits       bigint      NOT NULL CHECK (hits > 0),
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL,
    referrer   text        NOT NULL DEFAULT '',    -- host of a page that leads there
    own        boolean     NOT NULL DEFAULT false, -- it is the site's
    CONSTRAINT path_is_short CHECK (octet_length(path) <= 512)
) WITH (fillfactor = 70);

-- Misses that are not in misses, for want of room.
CREATE TABLE miss_overflow (
    day  date   PRIMARY KEY, -- UTC
    hits bigint NOT NULL CHECK (hits > 0)
);

-- Paths that nobody wants to hear of: a key in which "*" stands for any bytes.
-- Case does not count.
CREATE TABLE miss_ignores (
    pattern  text COLLATE "C" PRIMARY KEY,
    author   text        NOT NULL,
    added_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    matches  text COLLATE "C" NOT NULL GENERATED ALWAYS AS ( -- for LIKE, against a path in lower case
        replace(replace(replace(replace(lower(pattern), '\', '\\'), '%', '\%'), '_', '\_'), '*', '%')) STORED,
    CONSTRAINT pattern_is_key_with_stars CHECK (pattern ~ '^[/*][A-Za-z0-9._~!$&''()+,;=:@/%*-]*$'),
    CONSTRAINT pattern_is_short CHECK (octet_length(pattern) <= 512)
);

-- What of access logs was imported: for every hour (UTC) of their lines eight
-- bytes of each line's SHA-256, in no order.
CREATE TABLE log_lines (
    hour   timestamptz PRIMARY KEY,
    hashes bytea NOT NULL CHECK (octet_length(hashes) % 8 = 0)
);
ALTER TABLE log_lines ALTER COLUMN hashes SET STORAGE EXTERNAL; -- it does not compress

-- What scanners ask every site for: programs that a tree of files never had, and
-- what lies on no web server on purpose.
INSERT INTO miss_ignores (pattern, author)
SELECT pattern, 'pagemap' FROM unnest(ARRAY[
    -- blogs, shops and their kin
    '*/wp-login.php', '*/wp-admin', '*/wp-admin/*', '*/wp-content/*', '*/wp-includes/*', '*/wp-json', '*/wp-json/*',
    '*/wp-config*', '*/wp-cron.php', '*/wp-signup.php', '*/wp-trackback.php', '*/wp-comments-post.php', '*/wlwmanifest.xml',
    '*/xmlrpc.php', '/administrator/*', '/sites/default/files/*.php', '/magento_version', '/typo3/*',
    -- management of databases, servers and mail
    '*/phpmyadmin*', '/pma/*', '/myadmin/*', '/mysql/index.php', '/adminer*', '/dbadmin/*', '/manager/html', '/manager/text/*',
    '/jmx-console*', '/solr/admin/*', '/actuator', '/actuator/*', '/owa/*', '/ecp/*', '/autodiscover/*',
    '/remote/login*', '/remote/fgt_lang*', '/global-protect/*', '/sslvpn*', '/dana-na/*', '/+cscoe+/*',
    '/hnap1*', '/boaform/*', '/goform/*', '/gponform/*', '/setup.cgi', '/_ignition/*', '/telescope/requests', '/_profiler/*',
    '/server-status', '/server-info', '/geoserver/web/*', '/druid/index.html', '/nacos/*', '*/web-inf/*', '/v2/_catalog',
    '/_cat/*', '/containers/json', '/invoker/*', '/cgi-bin/luci*', '/cgi-bin/.%*',
    -- secrets and what tools leave behind
    '*/.env', '*/.env.*', '*/.git/*', '*/.svn/*', '*/.hg/*', '*/.aws/*', '*/.ssh/*', '*/.vscode/*', '*/.idea/*', '*/.ds_store',
    '*/.htpasswd', '*/.htaccess', '*/.bash_history', '*/.npmrc', '*/.docker/*', '*/.kube/*', '*/id_rsa*',
    '/backup.sql*', '/dump.sql*', '/database.sql*', '/db.sql*', '/docker-compose.yml', '*/composer.lock', '*/web.config',
    -- programs that break-ins leave, or need
    '*/phpinfo.php', '*/shell.php', '*/cmd.php', '*/c99.php', '*/r57.php', '*/alfa.php', '*/wso.php', '*/eval-stdin.php',
    '*/vendor/phpunit/*', '*/thinkphp/*', '*/kcfinder/*', '*/fckeditor/*'
]) AS pattern;
