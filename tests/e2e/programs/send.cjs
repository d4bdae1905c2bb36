// Sends one message with nodemailer; prints what it was told as JSON.
//
// Arguments: host, port, sender, file, recipients. WAY: how, as JSON (src/way.rs).

const fs = require('fs');
const nodemailer = require('nodemailer');

const [host, port, sender, file, ...recipients] = process.argv.slice(2);
const way = JSON.parse(process.env.WAY);
const transport = nodemailer.createTransport({
  host, port: Number(port), name: 'client.test',
  secure: way.tls === 'implicit', ignoreTLS: way.tls === 'off', requireTLS: way.tls === 'starttls',
  tls: way.ca ? { ca: fs.readFileSync(way.ca) } : undefined,
  auth: way.login ? { user: way.login.user, pass: way.login.password } : undefined,
  authMethod: way.login ? way.login.mechanism : undefined,
  connectionTimeout: 30000, socketTimeout: 30000,
});

transport.sendMail(
  { envelope: { from: sender, to: recipients, use8BitMime: true }, raw: fs.readFileSync(file) },
  (error, info) => {
    const refused = {};
    for (const one of (error && error.rejectedErrors) || (info && info.rejectedErrors) || []) {
      refused[one.recipient] = one.response;
    }
    if (error && Object.keys(refused).length === 0) {
      refused[''] = error.response || String(error);
    }
    console.log(JSON.stringify({ accepted: !error, refused }));
    transport.close();
  },
);
