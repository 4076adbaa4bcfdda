char victim_data[100000] = {1};
