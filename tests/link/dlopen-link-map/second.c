int second_data[50] = {2};
