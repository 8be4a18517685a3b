create sequence authorization_number;
