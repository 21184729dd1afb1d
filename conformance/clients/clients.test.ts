import { CLIENTS } from "./clients.js";
import { followMany } from "./follow-many.js";

for (const client of CLIENTS) followMany(client);
