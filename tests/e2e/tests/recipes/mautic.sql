CREATE TABLE leads (
  id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  is_published tinyint(1) NOT NULL DEFAULT 1,
  date_added datetime DEFAULT NULL,
  firstname varchar(191) DEFAULT NULL,
  email varchar(191) DEFAULT NULL
) CHARACTER SET utf8mb4;
CREATE TABLE lead_donotcontact (
  id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  lead_id bigint unsigned DEFAULT NULL,
  date_added datetime NOT NULL,
  reason smallint NOT NULL,
  channel varchar(191) NOT NULL,
  channel_id int DEFAULT NULL,
  comments longtext DEFAULT NULL,
  CONSTRAINT fk_dnc_lead FOREIGN KEY (lead_id) REFERENCES leads (id) ON DELETE CASCADE
) CHARACTER SET utf8mb4;
INSERT INTO leads (id, email) VALUES
  (1, 'Out@example.com'), (2, 'bounced@example.com'), (3, 'manual@example.com'), (4, 'sms@example.com'),
  (5, 'free@example.com'), (6, 'late@example.com'), (7, NULL), (8, 'contactable@example.com');
INSERT INTO lead_donotcontact (lead_id, date_added, reason, channel, channel_id, comments) VALUES
  (1, '2024-05-01 10:00:00', 1, 'email', 12, 'User unsubscribed.'),
  (2, UTC_TIMESTAMP() - INTERVAL 3 DAY, 2, 'email', 12, 'Mailbox "full"; 5.1.1, gone'),
  (3, '2024-05-03 10:00:00', 3, 'email', NULL, NULL),
  (4, '2024-05-04 10:00:00', 1, 'sms', NULL, NULL),
  (7, '2024-05-05 10:00:00', 1, 'email', NULL, NULL),
  (8, '2024-05-06 10:00:00', 0, 'email', NULL, NULL);
