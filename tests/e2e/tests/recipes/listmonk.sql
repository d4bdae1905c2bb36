CREATE TYPE subscriber_status AS ENUM ('enabled', 'disabled', 'blocklisted');
CREATE TYPE subscription_status AS ENUM ('unconfirmed', 'confirmed', 'unsubscribed');
CREATE TABLE lists (
  id SERIAL PRIMARY KEY,
  uuid uuid NOT NULL UNIQUE,
  name TEXT NOT NULL
);
CREATE TABLE subscribers (
  id SERIAL PRIMARY KEY,
  uuid uuid NOT NULL UNIQUE,
  email TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  attribs JSONB NOT NULL DEFAULT '{}',
  status subscriber_status NOT NULL DEFAULT 'enabled',
  created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW()
);
CREATE TABLE subscriber_lists (
  subscriber_id INTEGER REFERENCES subscribers(id) ON DELETE CASCADE ON UPDATE CASCADE,
  list_id INTEGER NULL REFERENCES lists(id) ON DELETE CASCADE ON UPDATE CASCADE,
  meta JSONB NOT NULL DEFAULT '{}',
  status subscription_status NOT NULL DEFAULT 'unconfirmed',
  created_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
  PRIMARY KEY (subscriber_id, list_id)
);
INSERT INTO lists (uuid, name) VALUES (gen_random_uuid(), 'Weekly'), (gen_random_uuid(), 'Monthly');
INSERT INTO subscribers (id, uuid, email, name, status, updated_at)
SELECT number, gen_random_uuid(), email, 'Somebody', status::subscriber_status, '2024-05-01 23:30:00-05'
FROM (VALUES
  (1, 'out@example.com', 'blocklisted'), (2, 'weekly.out@example.com', 'enabled'),
  (3, 'disabled@example.com', 'disabled'), (4, 'free@example.com', 'enabled'),
  (5, 'waiting@example.com', 'enabled'), (6, 'late@example.com', 'enabled'),
  (7, 'weekly.late@example.com', 'enabled')) people(number, email, status);
INSERT INTO subscriber_lists (subscriber_id, list_id, status, updated_at) VALUES
  (1, 1, 'unsubscribed', '2024-05-02 10:00:00+00'), (2, 1, 'unsubscribed', '2024-05-03 10:00:00+00'),
  (2, 2, 'confirmed', '2024-05-03 10:00:00+00'), (4, 1, 'confirmed', NOW()), (4, 2, 'confirmed', NOW()),
  (5, 1, 'unconfirmed', NOW()), (6, 1, 'confirmed', NOW()), (7, 1, 'confirmed', NOW()),
  (7, 2, 'confirmed', NOW());
