// The one statement that both peers run.
const Database = require("better-sqlite3");

module.exports = (file) => new Database(file, { readonly: true }).prepare("SELECT user_id, email, name FROM users WHERE user_id = ?");
