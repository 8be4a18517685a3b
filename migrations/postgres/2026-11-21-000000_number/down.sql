drop sequence authorization_number;
