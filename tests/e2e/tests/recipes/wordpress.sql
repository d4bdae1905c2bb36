CREATE TABLE wp_newsletter (
  id int NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name varchar(100) NOT NULL DEFAULT '',
  surname varchar(100) NOT NULL DEFAULT '',
  email varchar(100) NOT NULL DEFAULT '',
  status varchar(1) NOT NULL DEFAULT 'S',
  token varchar(50) NOT NULL DEFAULT '',
  created timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated int NOT NULL DEFAULT 0,
  unsub_email_id int NOT NULL DEFAULT 0,
  unsub_time int NOT NULL DEFAULT 0,
  bounce_type varchar(50) NOT NULL DEFAULT '',
  bounce_time int NOT NULL DEFAULT 0,
  UNIQUE KEY email (email)
) CHARACTER SET utf8mb4;
INSERT INTO wp_newsletter (email, status, created, updated, unsub_time, bounce_time) VALUES
  ('out@example.com', 'U', '2020-01-01 00:00:00', 1714557600, 1714557600, 0),
  ('undated@example.com', 'U', '2020-01-01 00:00:00', 0, 0, 0),
  ('bounced@example.com', 'B', '2020-01-01 00:00:00', 0, 0, UNIX_TIMESTAMP() - 3 * 86400),
  ('complained@example.com', 'P', '2020-01-01 00:00:00', 0, 0, 0),
  ('waiting@example.com', 'S', '2020-01-01 00:00:00', 0, 0, 0),
  ('back@example.com', 'C', '2020-01-01 00:00:00', 1714557600, 1714557600, 0),
  ('free@example.com', 'C', '2020-01-01 00:00:00', 0, 0, 0),
  ('late@example.com', 'C', '2020-01-01 00:00:00', 0, 0, 0);
