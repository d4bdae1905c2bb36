CREATE TABLE email_addresses (
  id char(36) NOT NULL PRIMARY KEY,
  email_address varchar(255) DEFAULT NULL,
  email_address_caps varchar(255) DEFAULT NULL,
  invalid_email tinyint(1) DEFAULT 0,
  opt_out tinyint(1) DEFAULT 0,
  confirm_opt_in varchar(255) DEFAULT 'not-opt-in',
  date_created datetime DEFAULT NULL,
  date_modified datetime DEFAULT NULL,
  deleted tinyint(1) DEFAULT 0,
  KEY idx_ea_caps_opt_out_invalid (email_address_caps, opt_out, invalid_email),
  KEY idx_ea_opt_out_invalid (email_address, opt_out, invalid_email)
) CHARACTER SET utf8mb3;
INSERT INTO email_addresses
  (id, email_address, email_address_caps, invalid_email, opt_out, date_created, date_modified, deleted) VALUES
  (UUID(), 'Out@example.com', 'OUT@EXAMPLE.COM', 0, 1, '2020-02-29 23:59:59', '2024-05-01 10:00:00', 0),
  (UUID(), 'bounced@example.com', 'BOUNCED@EXAMPLE.COM', 1, 0, '2021-01-01 00:00:00', '2024-05-02 10:00:00', 0),
  (UUID(), 'both@example.com', 'BOTH@EXAMPLE.COM', 1, 1, '2021-01-01 00:00:00', '2024-05-03 10:00:00', 0),
  (UUID(), 'undated@example.com', 'UNDATED@EXAMPLE.COM', 0, 1, NULL, NULL, 0),
  (UUID(), 'deleted@example.com', 'DELETED@EXAMPLE.COM', 0, 1, '2021-01-01 00:00:00', '2024-05-04 10:00:00', 1),
  (UUID(), 'free@example.com', 'FREE@EXAMPLE.COM', 0, 0, '2021-01-01 00:00:00', '2024-05-05 10:00:00', 0),
  (UUID(), 'late@example.com', 'LATE@EXAMPLE.COM', 0, 0, '2021-01-01 00:00:00', '2024-05-06 10:00:00', 0),
  (UUID(), NULL, NULL, 0, 1, '2021-01-01 00:00:00', '2024-05-07 10:00:00', 0);
