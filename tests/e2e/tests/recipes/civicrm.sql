CREATE TABLE civicrm_contact (
  id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  contact_type varchar(64) DEFAULT NULL,
  do_not_email tinyint NOT NULL DEFAULT 0,
  do_not_phone tinyint NOT NULL DEFAULT 0,
  is_opt_out tinyint NOT NULL DEFAULT 0,
  display_name varchar(128) DEFAULT NULL,
  is_deleted tinyint NOT NULL DEFAULT 0,
  created_date timestamp NULL DEFAULT NULL,
  modified_date timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
) CHARACTER SET utf8mb4;
CREATE TABLE civicrm_email (
  id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  contact_id int unsigned DEFAULT NULL,
  location_type_id int unsigned DEFAULT NULL,
  email varchar(254) DEFAULT NULL,
  is_primary tinyint NOT NULL DEFAULT 0,
  on_hold int unsigned NOT NULL DEFAULT 0,
  is_bulkmail tinyint NOT NULL DEFAULT 0,
  hold_date datetime DEFAULT NULL,
  reset_date datetime DEFAULT NULL,
  CONSTRAINT FK_civicrm_email_contact_id FOREIGN KEY (contact_id)
    REFERENCES civicrm_contact (id) ON DELETE CASCADE
) CHARACTER SET utf8mb4;
INSERT INTO civicrm_contact (id, contact_type, do_not_email, is_opt_out, is_deleted, display_name) VALUES
  (1, 'Individual', 0, 1, 0, 'Out'), (2, 'Individual', 1, 0, 0, 'Never'), (3, 'Individual', 0, 0, 0, 'Bounced'),
  (4, 'Individual', 0, 0, 0, 'Held'), (5, 'Individual', 0, 1, 1, 'Deleted'), (6, 'Organization', 0, 0, 0, 'Free'),
  (7, 'Individual', 0, 0, 0, 'Late'), (8, 'Individual', 1, 1, 0, 'Both'), (9, 'Individual', 0, 1, 0, 'Bounced and out');
INSERT INTO civicrm_email (contact_id, location_type_id, email, is_primary, on_hold, hold_date) VALUES
  (1, 1, 'out@example.com', 1, 0, NULL), (1, 2, 'out.work@example.com', 0, 0, NULL),
  (2, 1, 'never@example.com', 1, 0, NULL),
  (3, 1, 'bounced@example.com', 1, 1, UTC_TIMESTAMP() - INTERVAL 3 DAY),
  (3, 2, 'not.bounced@example.com', 0, 0, NULL),
  (4, 1, 'held@example.com', 1, 2, '2024-05-01 10:00:00'),
  (5, 1, 'deleted@example.com', 1, 0, NULL),
  (6, 1, 'free@example.com', 1, 0, NULL),
  (7, 1, 'late@example.com', 1, 0, NULL), (7, 2, NULL, 0, 0, NULL),
  (8, 1, 'both@example.com', 1, 1, UTC_TIMESTAMP() - INTERVAL 3 DAY), (8, 2, NULL, 0, 0, NULL),
  (9, 1, 'bounced.out@example.com', 1, 1, '2024-05-01 10:00:00');
