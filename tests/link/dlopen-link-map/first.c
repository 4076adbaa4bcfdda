int first_data[100] = {1};
