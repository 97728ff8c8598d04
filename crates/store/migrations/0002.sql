-- A create may mean the one manual user whom its e-mail address reaches.
CREATE INDEX users_manual_email ON users (tenant, email_key, id)
    WHERE connection IS NULL AND visible = 1 AND email_key IS NOT NULL;
